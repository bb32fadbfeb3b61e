// What is seen and heard of the network and the image that it reads.

const element = (id) => document.getElementById(id);
const percent = (fraction, digits = 1) => (100 * fraction).toFixed(digits) + " %";
const withCommas = (number) => number.toLocaleString("en");

// Pixels 0 to 1 onto a canvas of SIZE x SIZE.
function paint(canvas, image) {
  const context = canvas.getContext("2d"), pixels = context.createImageData(SIZE, SIZE);
  image.forEach((value, k) => pixels.data.set([255 * value, 255 * value, 255 * value, 255], 4 * k));
  context.putImageData(pixels, 0, 0);
}

// The body of a table, from rows of texts and elements; the first of each row is its header.
function fill(table, rows) {
  table.tBodies[0].replaceChildren(...rows.map(([first, ...others]) => {
    const row = document.createElement("tr"), header = document.createElement("th");
    header.scope = "row";
    header.append(first);
    row.append(header);
    for (const content of others) row.insertCell().append(content);
    return row;
  }));
}

// A screen reader hears only the last of several quick changes.
let speaking;
function speak(text) {
  clearTimeout(speaking);
  speaking = setTimeout(() => { element("spoken").textContent = text; }, 600);
}

function say(text) {
  element("verdict").textContent = text;
  speak(text);
}

// label    undefined for a drawing
// before   what the image is read as without the noise
function verdict({ first, ratio }, label, before) {
  const sentences = ["Read as " + first + "."];
  if (label !== undefined) sentences[0] = first === label ? "Read right, as " + first + "."
    : "Read as " + first + ", but it is a " + label + ".";
  if (before !== first) sentences.push("Without the noise: " + before + ".");
  const threshold = setting().thresholds[0];
  const word = isAccepted(ratio, threshold) ? "Accepted" : "Rejected";
  sentences.push(word + ": ratio " + shortRatio(ratio) + ", threshold " + shortRatio(threshold) + ".");
  return sentences.join(" ");
}

function isAccepted(ratio, threshold) {
  return threshold !== null && ratio >= threshold;  // never where the ratio is undefined, NaN
}

function shortRatio(ratio) {
  if (ratio === null) return "none";  // no threshold keeps so many images
  if (Number.isNaN(ratio)) return "undefined";
  return ratio === Infinity ? "infinite" : ratio.toFixed(2);
}

function showOutputs(outputs, { first, second }, label) {
  fill(element("outputs"), [...outputs].map((output, k) => {
    const remarks = {
      largest: k === first, second: k === second, "what it is": k === label,
      "asked for": chosen.limit > 0 && k === chosen.target,
    };
    const kind = k === first ? "first" : k === second ? "second" : "other";
    const words = Object.keys(remarks).filter((remark) => remarks[remark]).join(", ");
    return [String(k), bar(output, kind), output.toFixed(2), words];
  }));
}

// From 0 to 1.2 to the right, to -0.4 to the left.
function bar(output, kind) {
  const frame = document.createElement("div"), inside = document.createElement("i");
  const length = 100 * Math.min(1, Math.max(-1 / 3, output / 1.2));
  frame.className = "bar";
  inside.className = kind;
  inside.style.width = Math.abs(length) + "%";
  inside.style.left = Math.min(0, length) + "%";
  frame.append(inside);
  return frame;
}

function showRatio(outputs, { first, second, ratio }) {
  let text = "The two largest outputs are those of " + first + " and " + second + ". Their ratio, " +
    outputs[first].toFixed(2) + " / " + outputs[second].toFixed(2) + ", is " + shortRatio(ratio);
  if (Number.isNaN(ratio)) text += ", because no output is positive";
  if (ratio === Infinity) text += ", because only the largest is positive";
  element("ratio").textContent = text + ".";
  fill(element("thresholds"), setting().thresholds.map((threshold, k) => [
    percent(data.keep[k], 0),
    shortRatio(threshold),
    isAccepted(ratio, threshold) ? "✓ accepted" : "✗ rejected",
  ]));
}

function showFirstLayer({ kept, biases }) {
  const n = biases.length;
  const left = Float64Array.from({ length: SIZE * SIZE }, (_, i) =>
    kept.subarray(i * n, (i + 1) * n).reduce((count, weight) => count + (weight !== 0), 0));
  paint(element("weights"), left.map((count) => Math.sqrt(count / n)));
  element("weights-text").textContent = withCommas(left.reduce((a, b) => a + b)) + " of " +
    withCommas(kept.length) + " weights are not zero" +
    (setting().sparsity === 0 ? " (the others are smaller than this page's digits)" : "") + ". They read " +
    left.filter((count) => count > 0).length + " of " + SIZE * SIZE + " pixels.";
}

function showAccuracy() {
  const now = setting(), curve = data.settings.filter((s) => s.score === now.score);
  const kinds = chosen.limit ? [0, 1 + noiseNumber()] : [0];  // of accuracies: without noise, with it
  const [without, under] = kinds.map((kind) => percent(now.accuracy[kind]));
  element("accuracy").textContent = "Of " + withCommas(data.tested) + " test images " + without +
    " are read right without noise" + (under ? ", and " + under + " with this noise." : ".");
  const lines = kinds.map((kind) => curve.map((s) => [s.sparsity, s.accuracy[kind]]));
  element("curves").innerHTML = chart(lines, now.sparsity);
}

// SVG: accuracy against the part that is removed, the second line dashed; a rule at what is chosen.
function chart(lines, chosenSparsity) {
  const x = (sparsity) => 45 + 330 * sparsity, y = (accuracy) => 170 - 155 * accuracy;
  const text = (x, y, words, anchor) =>
    '<text x="' + x + '" y="' + y + '" text-anchor="' + anchor + '">' + words + "</text>";
  const path = (d, style) => '<path fill="none" d="' + d + '" style="' + style + '"/>';
  const axes = [0, 0.5, 1].map((t) =>
    text(x(t), 186, percent(t, 0), "middle") + text(40, y(t) + 4, percent(t, 0), "end") +
    path("M45 " + y(t) + "H375", "stroke: var(--line); stroke-width: 0.5"));
  const styles = ["stroke: var(--first)", "stroke: var(--second); stroke-dasharray: 6 3"];
  const names = ["without noise", "with this noise"];
  const curves = lines.map((points, k) =>
    path("M" + points.map(([s, a]) => x(s) + " " + y(a)).join("L"), styles[k] + "; stroke-width: 2") +
    text(55, y(points[0][1]) + (points[0][1] > 0.2 ? 16 : -8), names[k], "start"));
  const rule = path("M" + x(chosenSparsity) + " 15V170", "stroke: currentColor");
  return [...axes, rule, ...curves, text(210, 199, "weights removed", "middle")].join("");
}
