// Run by test_component.py: what the page's components share, without a page.
const assert = require("node:assert");
const test = require("node:test");

const { Scope } = require("../../rtmri2speech/ui/component/component.js");
const lanes = require("../../rtmri2speech/ui/component/lanes.js");

const near = (actual, expected) => assert.ok(Math.abs(actual - expected) < 1e-9, `${actual}, not ${expected}`);

test("a scope's end ends all that was begun, each once, and nothing that ended before", () => {
  const scope = new Scope(), heard = [], target = new EventTarget();
  scope.listen(target, "tick", () => heard.push("listener"));
  const observer = { observe: () => heard.push("observed"), disconnect: () => heard.push("disconnected") };
  scope.observe(observer, target);
  const end = scope.add(() => heard.push("ended early"));
  end();
  end();
  target.dispatchEvent(new Event("tick"));
  assert.strictEqual(scope.left, 2);
  scope.end();
  scope.end();
  target.dispatchEvent(new Event("tick"));
  assert.deepStrictEqual(heard, ["observed", "ended early", "listener", "disconnected"]);
  assert.ok(scope.left === 0 && scope.ended);
  scope.listen(target, "tick", () => heard.push("too late"));
  target.dispatchEvent(new Event("tick"));
  assert.strictEqual(heard.length, 4);
});

test("timers and frames are forgotten once they were", async () => {
  const scope = new Scope(), heard = [];
  const waiting = new Map();
  globalThis.requestAnimationFrame = (callback) => waiting.set(waiting.size + 1, callback).size;
  globalThis.cancelAnimationFrame = (id) => waiting.delete(id);
  await new Promise((done) => scope.later(1, () => done(heard.push("timer"))));
  scope.frame(() => heard.push("frame"));
  assert.strictEqual(scope.left, 1);
  waiting.get(1)(0);
  assert.strictEqual(scope.left, 0);
  const { url, end } = scope.url(new Uint8Array(3), "audio/wav");
  assert.ok(url.startsWith("blob:") && scope.left === 1);
  end();
  scope.frame(() => heard.push("never"));
  scope.later(1, () => heard.push("never"));
  scope.end();
  await new Promise((done) => setTimeout(done, 10));
  assert.deepStrictEqual(heard, ["timer", "frame"]);
  assert.ok(!waiting.has(2));
});

test("a place on the time axis leads back to its moment", () => {
  const axis = { from: 2, to: 4, left: 80, width: 500 };
  assert.deepStrictEqual([2, 3, 4].map((seconds) => lanes.placeOf(seconds, axis)), [80, 330, 580]);
  for (const x of [80, 123, 579]) near(lanes.placeOf(lanes.secondsAt(x, axis), axis), x);
});

test("axes are marked at round values", () => {
  assert.strictEqual(lanes.roundStep(10, 6), 2);
  near(lanes.roundStep(0.9, 4), 0.5);
  assert.deepStrictEqual(lanes.roundMarks(0, 2.2, 5), [0, 0.5, 1, 1.5, 2]);
  assert.deepStrictEqual(lanes.roundMarks(-55, 8, 3), [-50, 0]);
  assert.deepStrictEqual(lanes.roundMarks(3.1, 3.4, 3).map((mark) => mark.toFixed(1)), ["3.1", "3.2", "3.3", "3.4"]);
});

test("a frequency lies between its neighbours' middles", () => {
  const bins = [100, 200, 400, 800];
  near(lanes.heightOf(200, bins), 1.5 / 4);
  near(lanes.heightOf(300, bins), 2 / 4);
  assert.deepStrictEqual([50, 900].map((hz) => lanes.heightOf(hz, bins)), [null, null]);
});
