// The network: all that it takes to prune it and to read a digit.

// Weights in rows, one for each input: w[i * outputs + j] leads from input i to output j.
async function unpackedLayer({ weights, scale, biases, means }) {
  const integers = await unpacked(weights, Int16Array);
  return { w: Float32Array.from(integers, (n) => n * scale), biases, means, sorted: {} };
}

// The numbers of a text that Python made with zlib and base64.
async function unpacked(text, Numbers) {
  const { writable, readable } = new DecompressionStream("deflate"), writer = writable.getWriter();
  writer.write(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)));
  writer.close();
  return new Numbers(await new Response(readable).arrayBuffer());
}

// A score for each weight of a layer; the smallest go first.
function scoresOf({ w, biases, means }, score) {
  if (score === "magnitude") return w.map((weight) => Math.abs(weight));
  return w.map((weight, k) => Math.abs(weight * means[Math.floor(k / biases.length)]));
}

// The layer's weights, zero where the score is among the smallest; of equal ones the first go.
function pruned(layer, score, sparsity) {
  const scores = scoresOf(layer, score), nPruned = Math.round(sparsity * scores.length);
  if (nPruned === 0) return layer.w;
  const sorted = (layer.sorted[score] ??= scores.slice().sort());
  const last = sorted[nPruned - 1];  // the highest score that goes
  let equal = nPruned - sorted.indexOf(last);  // so many of those that have it
  return layer.w.map((weight, k) =>
    scores[k] < last || (scores[k] === last && equal-- > 0) ? 0 : weight);
}

// The outputs for one image: x W + b in each layer, and between layers the negative ones are 0.
function forward(layers, image) {
  let x = image;
  for (const [number, { kept, biases }] of layers.entries()) {
    if (number > 0) x = x.map((value) => Math.max(0, value));
    const y = Float64Array.from(biases);
    x.forEach((value, i) => {
      if (value === 0) return;
      for (let j = 0; j < y.length; j++) y[j] += value * kept[i * y.length + j];
    });
    x = y;
  }
  return x;
}

function addNoise(image, noise) {
  return image.map((pixel, k) => Math.min(1, Math.max(0, pixel + noise[k])));
}

// The classes of the two largest outputs, and their ratio: docs/confidence.md says why so.
function twoLargest(outputs) {
  const [first, second] = [...outputs.keys()].sort((a, b) => outputs[b] - outputs[a]);
  let ratio = outputs[first] / outputs[second];
  if (outputs[second] <= 0) ratio = outputs[first] > 0 ? Infinity : NaN;
  return { first, second, ratio };
}
