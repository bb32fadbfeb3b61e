// The canvas that is drawn on, by mouse, finger or keys.

const PAPER = 280;  // of both sides of the canvas
const pen = { at: [PAPER / 2, PAPER / 2], isDown: false, isSeen: false };  // of the keys

function showDigit() {
  const context = element("digit").getContext("2d");
  context.clearRect(0, 0, PAPER, PAPER);
  if (shown.strokes) showStrokes(context, shown.strokes);
  else showPixels(context, examples[shown.example].image);
  if (!pen.isSeen) return;
  Object.assign(context, { lineWidth: pen.isDown ? 6 : 2, strokeStyle: "#f90" });
  context.beginPath();
  context.arc(...pen.at, 14, 0, 2 * Math.PI);
  context.stroke();
}

function showStrokes(context, strokes) {
  Object.assign(context, { lineWidth: 22, lineCap: "round", lineJoin: "round", strokeStyle: "#fff" });
  for (const stroke of strokes) {
    context.beginPath();
    context.moveTo(...stroke[0]);
    for (const point of stroke) context.lineTo(...point);
    context.stroke();
  }
}

function showPixels(context, image) {
  const small = document.createElement("canvas");
  small.width = small.height = SIZE;
  paint(small, image);
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, PAPER, PAPER);
}

function startStroke(point) {
  show({ strokes: [...(shown.strokes ?? []), [point]] });
}

let waiting = false;  // for the next frame, so that quick movements are not computed one by one
function goOn(point) {
  const stroke = shown.strokes?.at(-1), [x, y] = stroke?.at(-1) ?? [];
  if (!stroke || Math.hypot(point[0] - x, point[1] - y) < 3) return;
  stroke.push(point);
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; update(); });
}

function listenToPointer(canvas) {
  let isDown = false;
  const place = (event) => {
    const { left, top, width } = canvas.getBoundingClientRect(), scale = PAPER / width;
    return [(event.clientX - left) * scale, (event.clientY - top) * scale];
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    isDown = true;
    pen.isSeen = pen.isDown = false;
    startStroke(place(event));
  });
  canvas.addEventListener("pointermove", (event) => { if (isDown) goOn(place(event)); });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, () => { isDown = false; });
  }
}

const MOVES = { ArrowLeft: [-10, 0], ArrowRight: [10, 0], ArrowUp: [0, -10], ArrowDown: [0, 10] };

function listenToKeys(canvas) {
  canvas.addEventListener("keydown", (event) => {
    if (event.key !== " " && !(event.key in MOVES)) return;
    event.preventDefault();  // or the page would scroll
    pen.isSeen = true;
    if (event.key === " ") lowerOrLift();
    else move(MOVES[event.key]);
  });
  canvas.addEventListener("blur", () => {
    pen.isSeen = pen.isDown = false;
    showDigit();
  });
}

function lowerOrLift() {
  pen.isDown = !pen.isDown;
  if (pen.isDown) startStroke(pen.at);
  else showDigit();
  speak((pen.isDown ? "Pen down. " : "Pen up. ") + element("verdict").textContent);
}

function move(step) {
  pen.at = pen.at.map((value, k) => Math.min(PAPER - 10, Math.max(10, value + step[k])));
  if (pen.isDown) goOn(pen.at);
  showDigit();
}
