/** Convolution and pooling as Keras computes them, window by window. Arrays are [rows][columns][channels]. */

/**
 * @typedef {{kind: "convolution", filter: number[][][]} | {kind: "largest" | "average", size: [number, number]}} Operation
 * @typedef {{value: number, weight: number, padded: boolean}} Term of a window; a pool's terms have the weight 1
 * @typedef {{row: number, column: number, top: number, left: number, terms: Term[], result: number}} Step
 * @param {number[][][]} input
 * @param {Operation} operation
 * @param {number} stride in both directions; a direction of size 1 has only one window
 * @param {"valid" | "same"} padding
 * @returns {{rows: number, columns: number, height: number, width: number, before: [number, number], after: [number, number], steps: Step[]}}
 *   the output's size, the window's, the padding on each side, and the windows row by row
 */
export function slide(input, operation, stride, padding) {
  const [height, width] = operation.filter ? [operation.filter.length, operation.filter[0].length] : operation.size;
  const vertical = places(input.length, height, stride, padding);
  const horizontal = places(input[0].length, width, stride, padding);
  const steps = [];
  for (let row = 0; row < vertical.count; row++) {
    for (let column = 0; column < horizontal.count; column++) {
      const [top, left] = [row * stride - vertical.before, column * stride - horizontal.before];
      const terms = termsOf(input, operation.filter, { top, left, height, width });
      steps.push({ row, column, top, left, terms, result: RESULTS[operation.kind](terms) });
    }
  }
  return {
    rows: vertical.count, columns: horizontal.count, height, width,
    before: [vertical.before, horizontal.before], after: [vertical.after, horizontal.after], steps,
  };
}

/** Where a window fits along one direction (TensorFlow, tf.nn, "Notes on padding"). */
function places(length, size, stride, padding) {
  if (padding === "valid") return { count: Math.max(0, Math.floor((length - size) / stride) + 1), before: 0, after: 0 };
  const count = Math.ceil(length / stride);
  const added = Math.max((count - 1) * stride + size - length, 0);
  return { count, before: Math.floor(added / 2), after: Math.ceil(added / 2) };
}

function termsOf(input, filter, { top, left, height, width }) {
  const terms = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const cell = input[top + y]?.[left + x];
      for (let channel = 0; channel < input[0][0].length; channel++) {
        terms.push({ value: cell?.[channel] ?? 0, weight: filter ? filter[y][x][channel] : 1, padded: !cell });
      }
    }
  }
  return terms;
}

/** A pool passes over padding, a convolution reads it as 0. */
const RESULTS = {
  convolution: (terms) => terms.reduce((sum, { value, weight }) => sum + value * weight, 0),
  largest: (terms) => Math.max(...terms.filter(({ padded }) => !padded).map(({ value }) => value)),
  average: (terms) => {
    const own = terms.filter(({ padded }) => !padded);
    return own.reduce((sum, { value }) => sum + value, 0) / own.length;
  },
};
