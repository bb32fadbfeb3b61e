// A drawing, made into an image as those of MNIST are: fitted into a box of 20 x 20 pixels, and
// moved by whole pixels until the ink's centre of mass is in the middle of 28 x 28.

const SIZE = 28, BOX = 20, PEN = 1.3;  // pixels: image, box, radius of the pen

// Strokes [[[x, y], ...], ...] of any size -> SIZE * SIZE pixels, 0 to 1.
function drawnImage(strokes) {
  const xs = strokes.flat().map(([x]) => x), ys = strokes.flat().map(([, y]) => y);
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const [top, bottom] = [Math.min(...ys), Math.max(...ys)];
  const scale = (BOX - 2 * PEN) / Math.max(right - left, bottom - top, 1);
  const placed = (dx, dy) => strokes.map((stroke) => stroke.map(([x, y]) => [
    (x - (left + right) / 2) * scale + (SIZE - 1) / 2 + dx,
    (y - (top + bottom) / 2) * scale + (SIZE - 1) / 2 + dy,
  ]));
  const [x, y] = centreOfMass(inkOf(placed(0, 0)));
  return inkOf(placed(shiftFrom(x), shiftFrom(y)));
}

// What brings the centre of mass to the middle, without leaving the image.
function shiftFrom(centre) {
  const room = (SIZE - BOX) / 2;
  return Math.min(room, Math.max(-room, Math.round(SIZE / 2 - centre)));
}

function centreOfMass(image) {
  let [x, y, mass] = [0, 0, 0];
  image.forEach((ink, k) => {
    x += ink * (k % SIZE);
    y += ink * Math.floor(k / SIZE);
    mass += ink;
  });
  return [x / mass, y / mass];
}

// Ink by the distance of each pixel from the nearest stroke.
function inkOf(strokes) {
  const lines = strokes.flatMap((points) =>
    points.map((point, k) => [points[Math.max(0, k - 1)], point]));
  return Float64Array.from({ length: SIZE * SIZE }, (_, k) => {
    const distances = lines.map((line) => distanceTo(line, k % SIZE, Math.floor(k / SIZE)));
    return Math.min(1, Math.max(0, PEN + 0.5 - Math.min(...distances)));
  });
}

function distanceTo([[x1, y1], [x2, y2]], x, y) {
  const [dx, dy] = [x2 - x1, y2 - y1], length = dx * dx + dy * dy;
  const along = length ? ((x - x1) * dx + (y - y1) * dy) / length : 0;
  const t = Math.min(1, Math.max(0, along));
  return Math.hypot(x - x1 - t * dx, y - y1 - t * dy);
}
