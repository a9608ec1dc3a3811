// Run by test_component.py: what the page's components share, without a page.
const assert = require("node:assert");
const test = require("node:test");

const scripts = require("./scripts.js");

const { Scope, samplesOf, word } = scripts("component/component.js")("Scope, samplesOf, word");
const lanes = scripts("component/lanes.js")("placeOf, secondsAt, roundStep, roundMarks, heightOf, envelopeOf");
const explorer = scripts("explorer/explorer_core.js", "explorer/bands.js", "explorer/time_zoom.js", "explorer/goto.js", "explorer/permalink.js")(
  "moveWithin, zoomed, turnedTo, whereTo, firstFrameAfter, labelsSaying, linkTo, fittingLink, waitsForMore, leadsToClip, hasBandsOf",
);

const asking = scripts("explorer/custom_targets.js")("secondsOf, framesBetween, contrasted, isSilent");
const { Loading, Parts } = scripts("component/component.js", "explorer/frame_view.js", "explorer/chunks.js")("Loading, Parts");

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

test("what people wrote is put into words as it stands", () => {
  globalThis.document = { documentElement: { lang: "en" } };
  globalThis.props = { texts: { en: { of: "{name} of {other}, {name} {unknown}" } } };
  assert.strictEqual(word("of", { name: "$& {other} $1", other: "$'" }), "$& {other} $1 of $', $& {other} $1 {unknown}");
});

// Players whose clock a test sets, and the screen's frames as it wants them.
function fakePlayback(bounds) {
  const waiting = [], moved = [], made = [];
  class Player extends EventTarget {
    dataset = {};
    currentTime = 0;
    paused = true;
    ended = false;
    play() {
      this.paused = false;
      this.dispatchEvent(new Event("play"));
    }
    pause() {
      if (this.paused) return;
      this.paused = true;
      this.dispatchEvent(new Event("pause"));
    }
  }
  globalThis.requestAnimationFrame = (callback) => waiting.push(callback);
  globalThis.document = Object.assign(new EventTarget(), {
    createElement: () => made[made.push(new Player()) - 1],
    querySelectorAll: () => made,
  });
  const state = { sound: "one", speed: 1, loop: true };
  const { Playback } = scripts("component/component.js")("Playback");
  const see = () => moved.push(playback.now);
  const playback = new Playback(state, { replaceChildren() {} }, { bounds: () => bounds, moved: see, changed: see });
  playback.load({ one: new Uint8Array(1) });
  return { playback, state, moved, player: made[0], nextFrame: () => waiting.shift()?.(0) };
}

test("of a loop nothing past its end is shown, however late the screen's frames come", async () => {
  const { playback, state, moved, player, nextFrame } = fakePlayback([1, 2]);
  const atTheEnd = (now) => now < 2 && now > 1.99;
  player.currentTime = 2.3; // heard before the page is told that it plays
  await playback.play();
  assert.ok(moved.length === 1 && atTheEnd(moved[0]), `${moved}`);
  nextFrame();
  assert.deepStrictEqual(moved.slice(1), [1]); // round again
  player.currentTime = 2.2;
  playback.pause();
  assert.ok(atTheEnd(player.currentTime) && atTheEnd(moved.at(-1)), `${moved}`);
  // a sound that came to its own end
  Object.assign(player, { currentTime: 3, ended: true });
  player.dispatchEvent(new Event("pause"));
  assert.ok(atTheEnd(moved.at(-1)), `${moved}`);
  // without a loop, wherever the sound is
  state.loop = false;
  assert.strictEqual(playback.now, 3);
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

test("a WAV file's samples, past any other chunk", () => {
  const words = (text) => [...text].map((letter) => letter.charCodeAt(0));
  const wav = new Uint8Array([
    ...words("RIFF"), 50, 0, 0, 0, ...words("WAVE"), ...words("LIST"), 2, 0, 0, 0, 7, 7,
    ...words("data"), 6, 0, 0, 0, 1, 0, 255, 255, 0, 128,
  ]);
  assert.deepStrictEqual([...samplesOf(wav)], [1, -1, -32768]);
});

test("an envelope holds the lowest and highest sample of each stretch", () => {
  const samples = Int16Array.from([0, 5, -3, 2, 9, -9, 1, 1]);
  assert.deepStrictEqual([...lanes.envelopeOf(samples, 0, 8, 2)], [-3, 5, -9, 9]);
  assert.deepStrictEqual([...lanes.envelopeOf(samples, 4, 8, 2)], [-9, 9, 1, 1]);
  assert.deepStrictEqual([...lanes.envelopeOf(samples, 4, 6, 4)], [9, 9, 9, 9, -9, -9, -9, -9]);
  assert.deepStrictEqual([...lanes.envelopeOf(samples, 6, 12, 3)], [1, 1, 0, 0, 0, 0]);
});

test("zooming keeps the moment under the pointer in its place, within the clip", () => {
  const axis = (span) => ({ from: span[0], to: span[1], left: 0, width: 1 });
  const near = (span, at, factor) => explorer.zoomed(span, factor, at, 0.2, 38);
  const span = near([0, 38], 12, 3);
  assert.ok(Math.abs(span[1] - span[0] - 38 / 3) < 1e-9);
  assert.ok(Math.abs(lanes.placeOf(12, axis(span)) - 12 / 38) < 1e-9);
  assert.deepStrictEqual(near([0, 38], 12, 0.1), [0, 38]);
  assert.deepStrictEqual(near([37, 38], 38, 0.5), [36, 38]); // out again at the end: the clip's edge holds
  const closest = near([1, 1.3], 1.1, 100);
  assert.ok(Math.abs(closest[1] - closest[0] - 0.2) < 1e-9);
  assert.deepStrictEqual(explorer.zoomed([0, 0.1], 5, 0.05, 0.2, 0.1), [0, 0.1]); // a clip shorter than the closest view
});

test("the view turns to a moment that it does not show, and only then", () => {
  const turned = (begin, end) => explorer.turnedTo([10, 20], begin, end, 38).map((edge) => +edge.toFixed(6));
  assert.deepStrictEqual(turned(10, 10.1), [10, 20]);
  assert.deepStrictEqual(turned(19.9, 20), [10, 20]);
  assert.deepStrictEqual(turned(20, 20.1), [19, 29]);
  assert.deepStrictEqual(turned(9.9, 10), [1, 11]);
  assert.deepStrictEqual(turned(37, 37.1), [28, 38]);
  assert.deepStrictEqual(turned(0, 0.1), [0, 10]);
});

test("what is typed is a frame, a moment or a label", () => {
  assert.deepStrictEqual(explorer.whereTo(" 120 "), { frame: 120 });
  assert.deepStrictEqual(explorer.whereTo("１２"), { frame: 12 });
  for (const [typed, seconds] of [["4.2", 4.2], ["4,2 s", 4.2], ["4s", 4], ["0.5 秒", 0.5], ["1:04.2", 64.2], ["2:00", 120], [".5", 0.5]])
    assert.deepStrictEqual(explorer.whereTo(typed), { seconds });
  for (const [typed, label] of [["a", "a"], ["4:", "4:"], ["'4'", "4"], ['"1.5"', "1.5"], ["s", "s"], ["舌", "舌"]])
    assert.deepStrictEqual(explorer.whereTo(typed), { label });
  assert.strictEqual(explorer.whereTo("  "), null);
});

test("labels that say just so come before those in which it occurs", () => {
  const labels = [[0, 1, "ma"], [1, 2, "A"], [2, 3, "n"], [3, 4, "a "]];
  assert.deepStrictEqual(explorer.labelsSaying(labels, "a"), [labels[1], labels[3]]);
  assert.deepStrictEqual(explorer.labelsSaying(labels, "M"), [labels[0]]);
  assert.deepStrictEqual(explorer.labelsSaying(labels, "x"), []);
  assert.deepStrictEqual([0, 0.04, 0.06, 0.1, 9].map((from) => explorer.firstFrameAfter(from, 10, 20)), [0, 0, 1, 1, 19]);
});

test("a link leads back to what was shown", () => {
  const bands = [{ text: "F1:300-900" }, { text: "鼻: 1-2:100.5-200" }];
  const data = { name: "円 & 'clip'", frames: 60, duration: 2.2, bands };
  const state = { frame: 12, stretch: [4, 30], view: "1", view_s: [0.5, 1.25] };
  const link = explorer.linkTo(data, state);
  assert.deepStrictEqual(explorer.fittingLink(link, data), state);
  assert.ok(explorer.leadsToClip(link, data) && !explorer.leadsToClip(link, { ...data, name: "other" }));
  assert.ok(explorer.hasBandsOf(link, data) && !explorer.hasBandsOf(link, { bands: bands.slice(0, 1) }));
  assert.ok(explorer.hasBandsOf("clip=x", { bands }));
  const moved = bands.map((band) => ({ ...band, unit: "Hz", value: [1] }));
  assert.deepStrictEqual(new URLSearchParams(explorer.linkTo({ ...data, bands: moved }, state)).get("energy"), "hz");
  assert.ok(!explorer.hasBandsOf(link, { bands: moved }) && explorer.hasBandsOf(`${link}&energy=hz`, { bands: moved }));
  assert.ok(!explorer.hasBandsOf(`${link}&energy=hz`, data));
  assert.deepStrictEqual(explorer.fittingLink("view=both", { ...data, bands: moved }), {}); // two signs do not lie over each other
  const whole = { frame: 0, stretch: null, view: "both", view_s: [0, 2.2] };
  assert.deepStrictEqual(explorer.fittingLink(explorer.linkTo(data, whole), data), { frame: 0, view: "both" });
});

test("a link waits for what is still to come of a clip, and for nothing that never will", () => {
  const here = { frames: 30, duration: 1.1, fps: 27, whole: 4, bands: [{}] };
  for (const link of ["frame=31", "stretch=3-60", "time=0.5-3"]) assert.ok(explorer.waitsForMore(link, here), link);
  for (const link of ["", "frame=20", "frame=108", "stretch=3-9&time=0-1", "frame=x"])
    assert.ok(!explorer.waitsForMore(link, here), link);
  assert.ok(!explorer.waitsForMore("frame=31", { ...here, whole: null }));
});

test("what does not fit the clip is passed over", () => {
  const data = { frames: 60, duration: 2.2, bands: [{}] };
  for (const link of ["", "frame=60", "frame=-1", "frame=x", "stretch=3-60", "stretch=1.5-7", "stretch=7", "view=both", "time=2-1", "time=0-9", "%"])
    assert.deepStrictEqual(explorer.fittingLink(link, data), {}, link);
  assert.deepStrictEqual(explorer.fittingLink("stretch=9-4&view=0", data), { stretch: [4, 9], view: "0" });
});

test("the seconds that are asked for hold just the frames that were chosen", () => {
  const fps = 11413 / 420;
  for (const span of [[0, 0], [7, 7], [3, 11], [57, 59]])
    assert.deepStrictEqual(asking.framesBetween(asking.secondsOf(span, fps), fps, 60), span);
  assert.deepStrictEqual(asking.framesBetween([0.99, 1.01], 10, 60), [10, 10]); // less than half of any frame
  assert.deepStrictEqual(asking.framesBetween([0.42, 0.44], 10, 60), [4, 4]);
});

test("A is what was kept, B the stretch or the frame shown, and they must differ", () => {
  assert.deepStrictEqual(asking.contrasted({ kept: [3, 5], stretch: [8, 9], frame: 0 }), { a: [3, 5], b: [8, 9] });
  assert.deepStrictEqual(asking.contrasted({ kept: [3, 5], stretch: null, frame: 7 }), { a: [3, 5], b: [7, 7] });
  assert.deepStrictEqual(asking.contrasted({ kept: null, stretch: [8, 9], frame: 0 }), { missing: "contrast_what" });
  assert.deepStrictEqual(asking.contrasted({ kept: [4, 4], stretch: null, frame: 4 }), { missing: "contrast_same" });
  assert.ok(asking.isSilent([1, 2], [false, true, true]) && !asking.isSilent([0, 2], [false, true, true]));
});

test("an analysis that could not be loaded is told and keeps no later change away", async () => {
  const heard = [], loading = new Loading(() => heard.push("lost"));
  const change = async (name) => heard.push(await loading.ended().then(() => name));
  await change("before any");
  await assert.rejects(loading.whole(Promise.reject(new Error("404"))));
  await change("after one that was lost");
  let arrive;
  loading.whole(new Promise((done) => (arrive = done)));
  const waiting = change("after the next");
  heard.push("the next");
  arrive();
  await waiting;
  assert.deepStrictEqual(heard, ["before any", "lost", "after one that was lost", "the next", "after the next"]);
});

test("other bands have their own maps in each part, those that stay under their names", async () => {
  const text = (...numbers) => Buffer.from(Float32Array.from(numbers).buffer).toString("base64");
  const part = (from) => ({ images: [], numbers: "", starts: "", cams: [0, 1, 2].map((k) => text(from + k)) });
  const parts = new Parts({ parts: [part(0), part(10)], part: 4, frames: 8, sheet: {} });
  await parts.begin(0);
  parts.setCams(["F1", "F2", "box"], ["box", "new", "F1"], { new: [text(7), text(17)] });
  const shown = [3, 4].map((frame) => parts.at(frame).cams.map(([value]) => value));
  assert.deepStrictEqual(shown, [[2, 7, 0], [12, 17, 10]]);
});
