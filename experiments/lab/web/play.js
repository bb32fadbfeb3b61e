// What is chosen and drawn, and what follows from it.

const sparsities = [...new Set(data.settings.map((s) => s.sparsity))];
let layers, examples, noise;  // unpacked by `start`
let chosen = {
  target: data.start.target,
  limit: 1 + data.limits.indexOf(data.start.limit),  // the number of one, from 1; 0 is none
  score: "mean_activation",
  sparsity: 0,  // the number of one
};
let shown = { strokes: [] };  // or { example: its number }
let prunedFor;  // the setting for which the layers' `kept` was made
let round = 0;  // of the examples: one of each class

// What was measured of the network as it is pruned: score, sparsity, accuracy, thresholds.
function setting() {
  return data.settings.find(
    (s) => s.score === chosen.score && s.sparsity === sparsities[chosen.sparsity]);
}

function prune() {
  if (prunedFor === setting()) return;
  prunedFor = setting();
  for (const layer of layers) layer.kept = pruned(layer, prunedFor.score, prunedFor.sparsity);
  showFirstLayer(layers[0]);
}

function noiseNumber() {
  return chosen.target * data.limits.length + chosen.limit - 1;
}

function withNoise(image) {
  if (!chosen.limit) return image;
  const start = noiseNumber() * image.length;
  return addNoise(image, noise.subarray(start, start + image.length));
}

function read(image) {
  return twoLargest(forward(layers, image)).first;
}

// Whether an example is read right without the noise, and wrong with it.
function isFooled({ image, label }) {
  return read(image) === label && read(withNoise(image)) !== label;
}

function update() {
  prune();
  const { image, label } = current();
  const seen = withNoise(image), outputs = forward(layers, seen), found = twoLargest(outputs);
  showDigit();
  paint(element("seen"), seen);
  const alone = chosen.limit ? "The noise alone is read as " + found.first + ". " : "";
  say(shown.strokes?.length === 0 ? alone + "Draw a digit, or take an example."
    : verdict(found, label, read(image)));
  showOutputs(outputs, found, label);
  showRatio(outputs, found);
  showAccuracy();
  showControls();
}

// The image without noise, and its label if there is one.
function current() {
  if (!shown.strokes) return examples[shown.example];
  return { image: shown.strokes.length ? drawnImage(shown.strokes) : new Float64Array(SIZE * SIZE) };
}

function show(what) {
  shown = what;
  update();
}

function choose(name, value) {
  chosen = { ...chosen, [name]: value };
  update();
}

function showNextFooled() {
  const n = examples.length, start = (shown.example ?? n - 1) + 1;
  const order = Array.from(examples, (_, k) => (start + k) % n);
  const next = chosen.limit && order.find((k) => isFooled(examples[k]));
  if (!chosen.limit) say("Nothing is fooled without noise: choose a limit.");
  else if (next === undefined) say("This noise fools none of the " + n + " examples.");
  else show({ example: next });
}

// Controls

function showControls() {
  const limit = chosen.limit ? data.limits[chosen.limit - 1].toFixed(2) : "none";
  element("target").value = chosen.target;
  showSlider("limit", limit);
  showSlider("sparsity", percent(sparsities[chosen.sparsity], 0));
  for (const button of element("examples").children) {
    button.setAttribute("aria-pressed", Number(button.dataset.example) === shown.example);
  }
}

function showSlider(name, text) {
  element(name).value = chosen[name];
  element(name).setAttribute("aria-valuetext", text);
  element(name + "-value").textContent = text;
}

function showExamples() {
  const classes = [...new Set(data.labels)];
  element("examples").replaceChildren(...classes.map((label) => {
    const ofClass = [...examples.keys()].filter((k) => examples[k].label === label);
    return exampleButton(ofClass[round % ofClass.length], label);
  }));
  showControls();
}

function exampleButton(number, label) {
  const button = document.createElement("button"), canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIZE;
  paint(canvas, examples[number].image);
  button.type = "button";
  button.dataset.example = number;
  button.setAttribute("aria-label", "a " + label);
  button.append(canvas);
  button.addEventListener("click", () => show({ example: number }));
  return button;
}

function connect() {
  element("target").append(...Array.from({ length: 10 }, (_, k) => new Option(k, k)));
  element("limit").max = data.limits.length;
  element("sparsity").max = sparsities.length - 1;
  for (const name of ["target", "limit", "sparsity"]) {
    element(name).addEventListener("input", (event) => choose(name, Number(event.target.value)));
  }
  for (const radio of document.getElementsByName("score")) {
    radio.checked = radio.value === chosen.score;
    radio.addEventListener("change", () => choose("score", radio.value));
  }
  element("clear").addEventListener("click", () => show({ strokes: [] }));
  element("fooled").addEventListener("click", showNextFooled);
  element("others").addEventListener("click", () => { round += 1; showExamples(); });
  listenToPointer(element("digit"));
  listenToKeys(element("digit"));
}

async function start() {
  layers = await Promise.all(data.layers.map(unpackedLayer));
  noise = Float64Array.from(await unpacked(data.noise, Int16Array), (n) => n * data.noiseScale);
  const bytes = await unpacked(data.images, Uint8Array), pixels = SIZE * SIZE;
  examples = data.labels.map((label, k) => {
    const image = bytes.subarray(k * pixels, (k + 1) * pixels);
    return { label, image: Float64Array.from(image, (byte) => byte / 255) };
  });
  connect();
  showExamples();
  show({ example: data.first });
}

const ready = start();
ready.catch((error) => say("This browser cannot run the page: " + error.message));
