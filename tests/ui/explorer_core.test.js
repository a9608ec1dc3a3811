// Run by test_explorer_core.py: the cases are the core's own results (rtmri2speech.render, rtmri2speech.attribution.grad_cam).
const assert = require("node:assert");
const { readFileSync } = require("node:fs");
const test = require("node:test");

const core = require("./scripts.js")("explorer/explorer_core.js")(
  `frameAt, startOf, enlarge, heatOf, signedOf, heatLevels, signedLevels, heatLayer, divergingLayer, blend, largestShares,
   nextChange, tellingFrame, viewsOf, stretch, nextSpeed, loudnessOf, volumesOf`,
);
const cases = JSON.parse(readFileSync(process.env.EXPLORER_CASES, "utf8"));

function near(actual, expected, tolerance, what) {
  assert.strictEqual(actual.length, expected.length, what);
  for (let i = 0; i < expected.length; i++)
    assert.ok(Math.abs(actual[i] - expected[i]) <= tolerance, `${what}[${i}]: ${actual[i]}, not ${expected[i]}`);
}

for (const method of ["cubic", "linear", "cells"])
  test(`a grid enlarged by ${method} is OpenCV's`, () => {
    near(core.enlarge(cases.grid, 8, 64, method), cases.enlarged[method], 1e-5, method);
  });

test("a single frame's heat and signed view are on the clip's scale", () => {
  near(core.heatOf(cases.cam, cases.scale), cases.heat, 1e-6, "heat");
  near(core.signedLevels(core.signedOf(cases.cam, cases.scale)), cases.signed_levels, 0, "signed");
  assert.deepStrictEqual([...core.heatOf([1, -1], 0)], [0, 0]);
});

test("layers are the core's", () => {
  const heat = core.heatLayer(cases.table, 0.6), diverging = core.divergingLayer(cases.table, 0.6);
  near(heat.paint, cases.layer.paint, 1, "paint");
  near(heat.keep, cases.layer.keep, 1, "keep");
  near(diverging.paint, cases.diverging.paint, 1, "paint");
  near(diverging.keep, cases.diverging.keep, 1, "keep");
});

test("two bands over a frame look as in the exported video", () => {
  const layers = cases.tables.map((table) => core.heatLayer(table, 0.7));
  const rgba = core.blend(cases.gray, cases.levels, layers, new Uint8ClampedArray(4 * cases.gray.length));
  near([...rgba].filter((_, i) => i % 4 < 3), cases.blended, 2, "pixel");
  assert.ok([...rgba].every((value, i) => i % 4 < 3 || value === 255));
});

test("of several bands the hottest paints the pixel, of equals the first", () => {
  const layers = cases.four.tables.map((table) => core.heatLayer(table, 0.7));
  const rgba = core.blend(cases.gray, cases.four.levels, layers, new Uint8ClampedArray(4 * cases.gray.length));
  near([...rgba].filter((_, i) => i % 4 < 3), cases.four.blended, 2, "pixel");
});

test("what can be shown follows the number of bands", () => {
  assert.deepStrictEqual(core.viewsOf(1), ["0", "off"]);
  assert.deepStrictEqual(core.viewsOf(2), ["each", "both", "difference", "0", "1", "off"]);
  assert.deepStrictEqual(core.viewsOf(4), ["both", "0", "1", "2", "3", "off"]);
  assert.deepStrictEqual(core.viewsOf(2, true), ["each", "0", "1", "off"]);
  assert.deepStrictEqual(core.viewsOf(3, true), ["0", "1", "2", "off"]);
});

test("every frame's start and end lead to that frame", () => {
  const fps = 11413 / 420, count = 3261;
  for (let frame = 0; frame < count; frame++) {
    assert.strictEqual(core.frameAt(frame / fps, fps, count), frame);
    assert.strictEqual(core.frameAt(core.startOf(frame, fps), fps, count), frame);
    assert.strictEqual(core.frameAt((frame + 0.999) / fps, fps, count), frame);
  }
  assert.strictEqual(core.frameAt(1e6, fps, count), count - 1);
  assert.strictEqual(core.frameAt(-1, fps, count), 0);
});

test("a stretch in either direction, none for all or a single frame", () => {
  assert.deepStrictEqual(core.stretch(9, 4, 20), [4, 9]);
  assert.deepStrictEqual(core.stretch(-5, 4, 20), [0, 4]);
  assert.strictEqual(core.stretch(0, 19, 20), null);
  assert.strictEqual(core.stretch(7, 7, 20), null);
});

test("speeds step within their range", () => {
  assert.strictEqual(core.nextSpeed(1, -1), 0.75);
  assert.strictEqual(core.nextSpeed(1, 1), 1);
  assert.strictEqual(core.nextSpeed(0.1, -1), 0.1);
});

test("the next change, round the end", () => {
  const found = [3, 4, 6].map((frame) => ({ frame }));
  const at = (frame, direction) => core.nextChange(found, frame, direction).frame;
  assert.deepStrictEqual([at(0, 1), at(3, 1), at(6, 1)], [3, 4, 3]);
  assert.deepStrictEqual([at(6, -1), at(4, -1), at(3, -1)], [4, 3, 6]);
  assert.strictEqual(core.nextChange([], 0, 1), null);
});

test("the largest shares, none where a frame has no evidence", () => {
  const shares = { tongue: [0.4, NaN], lips: [0.2, NaN], elsewhere: [0.6, NaN] };
  assert.deepStrictEqual(core.largestShares(shares, 0, 2), ["elsewhere", "tongue"]);
  assert.deepStrictEqual(core.largestShares(shares, 1, 2), []);
});

test("a clip opens at its loudest frame with evidence for every band", () => {
  const loud = [[-40, 0, -3, -20], [-40, 0, -3, -20]];
  assert.strictEqual(core.tellingFrame(loud, [[1, 1, 1, 1], [1, 0.01, 0.3, 1]]), 2);
  assert.strictEqual(core.tellingFrame(loud, [[1, 1, 1, 1], [0, 0, 0, 0]]), 1);
});

test("two sounds are equally loud, whatever their pauses", () => {
  const tone = (gain, pauses) => Float32Array.from({ length: 4000 }, (_, k) => (k < pauses ? 0 : gain * Math.sin(k / 5)));
  const loudness = { synthesised: core.loudnessOf(tone(0.8, 0)), original: core.loudnessOf(tone(0.2, 3000)), none: 0 };
  const even = core.volumesOf(loudness, true);
  assert.ok(Math.abs(even.synthesised - 0.25) < 0.01);
  assert.deepStrictEqual([even.original, even.none], [1, 1]);
  assert.deepStrictEqual(core.volumesOf(loudness, false), { synthesised: 1, original: 1, none: 1 });
});
