// The frame explorer. Everything on display follows from `data` (an analysis, see payload.py) and `state`.

const root = element.querySelector(".explorer");

let data = null;
const state = {
  frame: 0,
  view: "each", // a band's number as text, "each" (two pictures), "both", "difference" or "off"
  signed: false,
  cells: false,
  ownScale: false, // each frame by its own hottest cell, not on the clip's scale
  outlines: true,
  bare: false, // the frames without any heat
  reach: false, // how far in time the sound came from: temporal.js
  acoustics: false, // of a phantom: its true sensitivity along the tract beside the maps': acoustics.js
  formants: false, // their tracks over the spectrograms, and their values
  silence: false, // also the maps of frames in which nobody speaks
  opacity: 0.7,
  defence: false, // pictures, one spectrogram and large type over the whole window: presentation_mode.js
  loop: false,
  speed: 1,
  even: false, // both sounds equally loud
  sound: "synthesised",
  own: null, // the recording's own frame that was stepped to
  view_s: [0, 1], // what the tracks show, from and to in seconds: time_zoom.js
  kept: null, // another stretch, which a loop plays in turn with the chosen one: ab_loop.js
  inKept: false, // whether it is that one's turn
  drawing: false, // a plain drag on a spectrogram draws a box
  stretch: null, // [first, last] frame chosen, or null for the whole clip
  untouched: true, // nobody has moved through this clip yet: playing begins at its start
};

const playback = new Playback(state, find("players"), {
  bounds: () => [startOf(played()[0], data.fps), (played()[1] + 1) / data.fps],
  again: turnRound,
  moved: followSound,
  changed: followSound,
});

// ---- the analysis arrives ----

let arrivals = 0, newest = 0; // of the analyses that began to load, and of the one that is shown
const loading = new Loading(() => say(word("part_lost")));

async function load(text) {
  if (!text) return;
  const fresh = JSON.parse(text);
  if (!fresh.onto) return loading.whole(loadWhole(fresh, ++arrivals));
  arrivals++;
  await loading.ended();
  if (data?.key === fresh.onto) change(fresh);
  else request("#whole-asked");
}

function readTables(tables) {
  for (const name of ["one", "diverging"]) tables[name] = bytesOf(tables[name]);
  tables.bands = tables.bands.map(bytesOf);
}

function readBand(band) {
  for (const name of ["db", "amount"]) band[name] = floatsOf(band[name]);
  for (const name of ["value", "formant_hz"]) if (band[name]) band[name] = floatsOf(band[name]);
  for (const name of band.acoustics ? ["true", "map", "rank"] : []) band.acoustics[name] = floatsOf(band.acoustics[name]);
  for (const name of Object.keys(band.shares)) band.shares[name] = floatsOf(band.shares[name]);
}

// Other bands or labels of the clip that is shown (payload.change_of). bands: of one that stays its name alone.
function change({ bands, cams, ...others }) {
  const before = data.bands, known = Object.fromEntries(before.map((band) => [band.name, band]));
  if (others.tables) readTables(others.tables);
  for (const band of bands) if (typeof band !== "string") readBand(band);
  Object.assign(data, others, { bands: bands.map((band) => (typeof band === "string" ? known[band] : band)) });
  data.mostEvidence = mostEvidence(data);
  data.pictures.setCams(before.map(({ name }) => name), data.bands.map(({ name }) => name), cams);
  showAsked(before);
  if (!viewsHere().includes(state.view)) state.view = viewsHere()[0];
  nameChoices();
  offerBands();
  offerLabels();
  redraw();
}

async function loadWhole(fresh, arrival) {
  readTables(fresh.tables);
  fresh.bands.forEach(readBand);
  const { tables, regions } = fresh;
  for (const name of Object.keys(regions.measures)) regions.measures[name] = floatsOf(regions.measures[name]);
  for (const track of Object.values(fresh.formants)) track.hz = floatsOf(track.hz);
  if (fresh.recording.times) fresh.recording.times = floatsOf(fresh.recording.times);
  const wavs = {};
  for (const [name, sound] of Object.entries(fresh.sounds)) {
    wavs[name] = sound.file ? new Uint8Array(await (await fetched(sound.file)).arrayBuffer()) : bytesOf(sound.wav);
    sound.samples = samplesOf(wavs[name]);
    sound.mel = pictureOf(bytesOf(sound.mel), fresh.frames, tables.one);
    delete sound.wav;
  }
  fresh.duration = fresh.frames / fresh.fps;
  fresh.mostEvidence = mostEvidence(fresh);
  const telling = tellingFrame(fresh.bands.map((band) => band.db), fresh.bands.map((band) => band.amount));
  // the same clip with other bands or regions, or more of it
  const same = () => data !== null && fresh.name === data.name && (fresh.frames === data.frames || data.whole > data.duration);
  fresh.pictures = new Parts(fresh, () => fresh === data && render(), () => say(word("part_lost")));
  await fresh.pictures.begin(same() ? state.frame : telling);
  if (scope.ended || arrival < newest) return; // a newer one was faster
  newest = arrival;
  const goesOn = same(), zoomed = goesOn && isZoomed(), playing = goesOn && playback.playing, now = playing ? playback.now : 0;
  const before = data?.bands ?? [];
  data = fresh;
  if (!goesOn) state.stretch = state.kept = null;
  if (!zoomed) state.view_s = [0, data.duration];
  if (!goesOn || !(state.sound in data.sounds)) state.sound = "synthesised";
  if (goesOn) showAsked(before);
  if (!viewsHere().includes(state.view)) state.view = viewsHere()[0];
  const asked = takeOpening();
  playback.load(wavs);
  data.loudness = Object.fromEntries(Object.entries(data.sounds).map(([name, { samples }]) => [name, loudnessOf(samples)]));
  setLoudness();
  colourBands(root, data.colours);
  root.hidden = false;
  find("waiting").hidden = true;
  root.toggleAttribute("data-growing", Boolean(data.whole));
  root.dataset.clip = find("clip").textContent = find("clip").title = data.name;
  for (const button of element.querySelectorAll("[data-sound]")) button.disabled = !(button.dataset.sound in data.sounds);
  find("tracks").setAttribute("aria-valuemax", data.frames - 1);
  nameChoices();
  offerBands();
  offerLabels();
  const untouched = (!goesOn || state.untouched) && asked.frame === undefined;
  show({ frame: goesOn ? state.frame : telling, ...asked });
  state.untouched = untouched;
  if (opening) say(word("link_waits"));
  else if (!goesOn) sayWhatToLookFor();
  if (!playing) return;
  playback.seek(now);
  playback.play();
}

// Goes to a frame with a stretch, a view and a time in view, each where it is given.
function show({ frame = state.frame, ...others }) {
  Object.assign(state, others);
  seek(frame);
  renderTracks();
}

function setLoudness() {
  playback.setVolumes(volumesOf(data.loudness, state.even));
}

function viewsHere() {
  return viewsOf(data.bands.length, data.bands.some(isTwoSided));
}

// ---- words ----

function bandLabel(band) {
  const { name, low_hz: low, high_hz: high, stretch_s, than_s, of, width_hz: width, track } = band;
  if (isFollowed(band)) return word("band_followed", { name, number: of.slice(-1), width, track: word(`formants_${track}`) });
  if (of) return word(`band_${of}`, { name });
  if (!stretch_s) return word("band", { name, low, high });
  const seconds = (span) => span.map((one) => one.toFixed(2)).join("–");
  if (!than_s) return word("box_label", { low, high, a: seconds(stretch_s) });
  return word("contrast_label", { low, high, a: seconds(stretch_s), b: seconds(than_s) });
}

// In a table: of a contrast no more than the middles of A and B.
function bandShort(band) {
  const { name, low_hz: low, high_hz: high, stretch_s, than_s, of, width_hz: width } = band;
  if (of) return isFollowed(band) ? word("band_followed_short", { name, width }) : name;
  if (!stretch_s) return bandLabel(band);
  const middle = ([from, to]) => ((from + to) / 2).toFixed(2);
  if (than_s) return word("contrast_short", { a: middle(stretch_s), b: middle(than_s) });
  return word("box_short", { low, high, a: stretch_s.map((one) => one.toFixed(2)).join("–") });
}

function write() {
  writeWords();
  const keys = word("keys").split("\n").map((line) => line.split(/: (.*)/));
  find("keys").replaceChildren(...keys.flatMap(([key, meaning]) => [labelled("dt", key), labelled("dd", meaning)]));
  if (!data) return;
  nameChoices();
  offerBands();
}

function nameChoices() {
  const views = viewsHere();
  for (const button of element.querySelectorAll("[data-view]")) button.hidden = !views.includes(button.dataset.view);
  for (const [number, band] of data.bands.entries()) {
    const button = element.querySelector(`[data-view="${number}"]`);
    button.textContent = band.name;
    button.title = bandLabel(band);
  }
  if (data.bands.length === 2)
    element.querySelector('[data-view="each"]').textContent = data.bands.map(({ name }) => name).join(" | ");
  element.querySelector('[data-view="both"]').textContent = word(data.bands.length === 2 ? "both" : "all");
  element.querySelector('[data-action="even"]').disabled = Object.keys(data.sounds).length < 2;
  const link = element.querySelector('[data-action="link"]');
  link.disabled = !data.linked;
  link.title = word(data.linked ? "link" : "no_link");
  const original = element.querySelector('[data-sound="original"]');
  original.textContent = word(original.disabled ? "no_original" : "original");
  original.title = original.disabled ? word("no_original_help") : "";
}

// Where the outlines come from and whether they can be believed.
function writeFound() {
  const { source, verdict, names, colours, corrected } = data.regions;
  const values = {
    missing: (verdict.missing ?? []).map((name) => word(`region_${name}`)).join(word("comma")),
    share: `${Math.round(100 * (verdict.share ?? 0))} %`,
  };
  const said = [word(`regions_${source}`)];
  if (verdict.kind !== "profile") said.push(word(`verdict_${verdict.kind}`, values));
  if (corrected) said.push(word("corrected", { count: corrected }));
  const keys = names.flatMap((name, number) => {
    const mark = document.createElement("i");
    mark.style.background = colours[number];
    return [mark, word(`region_${name}`)];
  });
  find("found").replaceChildren(said.join(" "), ...(state.outlines ? keys : []));
}

function viewTitle() {
  if (state.bare) return word("view_off");
  if (state.view === "each") return bandLabel(data.bands[0]);
  if (state.view in data.bands) return bandLabel(data.bands[state.view]);
  return word(state.view === "both" && data.bands.length > 2 ? "view_all" : `view_${state.view}`);
}

// What the band's maps explain in the frame, as a number; nothing where the formant is missing that it follows.
function amountIn(band, frame) {
  if (!isThere(band, frame)) return "–";
  if (isFrequency(band)) return `${band.value[frame].toFixed(0)} Hz`;
  const told = (isTwoSided(band) ? band.value : band.db)[frame].toFixed(1).replace("-", "−");
  return isTwoSided(band) ? `${told} dB/oct` : `${told} dB`;
}

// What a band looks at in the frame, the two largest shares; in words where there is hardly anything to share.
function attentionIn(band, frame) {
  if (data.silent[frame]) return word(state.silence ? "silence_shown" : "silence");
  if (!isThere(band, frame)) return word("no_formant");
  const amount = band.amount[frame];
  if (amount < HARDLY) return word(amount > 0 ? "hardly" : "none");
  return largestShares(band.shares, frame, 2).map((name) => shareIn(band, name, frame)).join(word("comma"));
}

function shareIn(band, name, frame) {
  return `${word("region_" + name)} ${Math.round(100 * (band.shares[name][frame] || 0))} %`;
}

// A line on the card until someone moves on.
function say(words) {
  find("said").textContent = find("said").title = words;
  find("of").hidden = Boolean(words);
}

// ---- render ----

function render() {
  if (!data) return;
  renderPictures();
  renderLegend();
  renderCard();
  renderButtons();
  // read by the panels: page_context.py
  const [first, last] = state.stretch ?? ["", ""];
  const { source, corrected } = data.regions;
  Object.assign(root.dataset, { frame: state.frame, first, last, look: state.view, regions: `${source} ${corrected}` });
  find("view-title").textContent = viewTitle();
  find("beside-title").textContent = heatBeside().length ? bandLabel(data.bands[1]) : word("plain");
  writeFound();
  renderReach();
  renderAcoustics();
  renderCursor();
  renderDefence();
  writeLinkSoon();
  keepLook();
}

function renderButtons() {
  const signed = element.querySelector('[data-action="signed"]');
  const band = data.bands[state.view];
  signed.disabled = !band || isTwoSided(band);
  press(signed, band && (state.signed || isTwoSided(band)));
  press(element.querySelector('[data-action="frequency"]'), data.bands.some(isFrequency));
  for (const name of ["cells", "ownScale", "outlines", "bare", "silence", "loop", "even", "formants", "acoustics", "reach"]) press(element.querySelector(`[data-action="${name}"]`), state[name]);
  for (const name of ["view", "sound"])
    for (const button of element.querySelectorAll(`[data-${name}]`)) press(button, button.dataset[name] === state[name]);
  press(element.querySelector('[data-action="keep"]'), state.kept);
  find("speed").value = state.speed;
  root.classList.toggle("playing", playback.playing);
}

function renderCard() {
  find("frame").textContent = state.frame;
  find("time").textContent = (state.frame / data.fps).toFixed(3);
  const length = { last: data.frames - 1, seconds: data.duration.toFixed(2), whole: Math.round(data.whole) };
  find("of").textContent = find("of").title = word(data.whole ? "of_growing" : "of", length);
  const rows = data.bands.map((band, number) => {
    const row = document.createElement("tr");
    row.append(
      Object.assign(labelled("td", bandShort(band)), { title: bandLabel(band) }),
      labelled("td", amountIn(band, state.frame)),
      labelled("td", attentionIn(band, state.frame), band.amount[state.frame] < HARDLY || data.silent[state.frame] ? "faint" : ""),
    );
    row.firstChild.style.color = `var(--band-${number})`;
    if (band.stretch_s) {
      const note = labelled("span", word("not_tested"), "faint untested");
      row.firstChild.append(forgetButton(band), Object.assign(note, { title: word("not_tested_help") }));
    }
    return row;
  });
  find("numbers").replaceChildren(...rows);
  find("head-energy").textContent = word(data.bands.every(isTwoSided) ? (data.bands.every(isFrequency) ? "centre" : "value") : "energy");
  find("head-strongest").textContent = word(data.bands.every(isTwoSided) ? "strongest_hz" : "strongest");
  renderFormants();
  renderOwn();
  describe();
}

let stopSpeaking = () => {}; // the frame is said to a screen reader once it stands still

function describe() {
  const places = data.bands.map((band) => `${band.name} ${attentionIn(band, state.frame)}`);
  const said = `${word("frame")} ${state.frame}, ${(state.frame / data.fps).toFixed(3)} ${word("seconds")}, ${places.join("; ")}`;
  find("tracks").setAttribute("aria-valuenow", state.frame);
  find("tracks").setAttribute("aria-valuetext", said);
  find("heat").setAttribute("aria-label", `${viewTitle()}. ${said}`);
  stopSpeaking();
  if (!playback.playing) stopSpeaking = scope.later(500, () => (find("spoken").textContent = said));
}

// ---- time ----

// First and last frame of what is played: the stretch, or all.
function bounds() {
  return state.stretch ?? [0, data.frames - 1];
}

function seek(frame) {
  state.frame = Math.min(data.frames - 1, Math.max(0, frame));
  state.own = null;
  state.untouched = false;
  say("");
  playback.seek(startOf(state.frame, data.fps));
  followFrame();
  render();
}

// The frame shown is the one at which the sound stands.
function followSound() {
  if (!data) return;
  const frame = frameAt(playback.now, data.fps, data.frames);
  if (playback.playing || frame !== state.frame) state.own = null;
  state.frame = frame;
  if (playback.playing) followFrame();
  render();
}

function play() {
  state.inKept = isIn(state.frame, state.kept);
  const [first] = played(), outside = state.stretch && !isIn(state.frame, played());
  if (outside || state.untouched || state.frame === data.frames - 1) seek(first);
  playback.play();
}

// ---- what a person does ----

function setView(view) {
  if (view === "all") view = viewsHere()[0];
  if (!viewsHere().includes(view)) return;
  state.view = view;
  render();
  if (reachIsThere()) renderTracks(); // its lane is of the band that is looked at
}

function toggle(name) {
  state[name] = !state[name];
  render();
}

function step(frames) {
  playback.pause();
  seek(state.frame + frames);
}

// To where the strongest region of a shown band changes next; which bands count follows from the view.
function toChange(direction) {
  const shown = state.view in data.bands ? [data.bands[state.view]] : data.bands;
  const all = shown.flatMap((band) => band.changes.map((change) => ({ ...change, name: band.name })));
  const change = nextChange(all, state.frame, direction);
  if (!change) return say(word("no_change"));
  playback.pause();
  seek(change.frame);
  const there = all.filter(({ frame }) => frame === change.frame);
  say(there.map(({ name, origin, to }) => `${name}: ${word("region_" + origin)} → ${word("region_" + to)}`).join(word("comma")));
}

// Where the first N leads, of the clip that has just been opened.
function sayWhatToLookFor() {
  const first = data.bands.flatMap((band) => band.changes.slice(0, 1).map((change) => ({ ...change, name: band.name })));
  const change = nextChange(first, -1, 1);
  if (!change) return;
  const middle = (change.frame + 0.5) / data.fps, label = data.labels.find(([from, to]) => middle >= from && middle < to);
  const regions = { origin: word(`region_${change.origin}`), to: word(`region_${change.to}`) };
  say(word(label ? "look_for_at" : "look_for", { frame: change.frame, name: change.name, ...regions, said: label?.[2] }));
}

function wholeClip() {
  state.stretch = null;
  render();
}

function chooseStretch(a, b) {
  state.stretch = stretch(a, b, data.frames);
  render();
}

const ACTIONS = {
  ownBack: () => stepOwn(-1),
  ownForward: () => stepOwn(1),
  back: () => step(-1),
  forward: () => step(1),
  play: () => (playback.playing ? playback.pause() : play()),
  change: () => toChange(1),
  whole: wholeClip,
  nearer: () => zoom(ZOOM_STEP),
  farther: () => zoom(1 / ZOOM_STEP),
  fit: fitView,
  loop: () => toggle("loop"),
  even: () => {
    toggle("even");
    setLoudness();
  },
  keep: keepStretch,
  drawing: () => setDrawing(!state.drawing),
  formants: toggleFormants,
  acoustics: toggleAcoustics,
  boxStretch,
  contrast: askWhy,
  forget,
  signed: () => toggle("signed"),
  frequency: askForFrequency,
  cells: () => toggle("cells"),
  ownScale: () => toggle("ownScale"),
  outlines: () => toggle("outlines"),
  bare: () => toggle("bare"),
  silence: () => {
    toggle("silence");
    renderTracks();
  },
  reach: toggleReach,
  snapshot,
  link: copyLink,
  defence: () => setDefence(!state.defence),
  fullscreen: () => (document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen()),
  help: () => find("help").showModal(),
};

const KEYS = {
  ArrowLeft: (event) => step(event.shiftKey ? -10 : -1),
  ArrowRight: (event) => step(event.shiftKey ? 10 : 1),
  Home: () => step(-data.frames),
  End: () => step(data.frames),
  " ": ACTIONS.play,
  n: (event) => toChange(event.shiftKey ? -1 : 1),
  ",": () => toLabel(-1),
  ".": () => toLabel(1),
  g: () => find("goto").focus(),
  j: ACTIONS.ownBack,
  k: ACTIONS.ownForward,
  a: keepStretch,
  l: ACTIONS.loop,
  e: ACTIONS.even,
  d: ACTIONS.defence,
  Escape: () => (state.defence ? setDefence(false) : state.drawing ? setDrawing(false) : wholeClip()),
  r: ACTIONS.drawing,
  x: boxStretch,
  t: toggleFormants,
  u: askForFrequency,
  w: askWhy,
  i: (event) => zoom(event.shiftKey ? 1 / ZOOM_STEP : ZOOM_STEP),
  z: fitView,
  PageUp: () => turnPage(-1),
  PageDown: () => turnPage(1),
  "[": () => chooseStretch(state.frame, bounds()[1]),
  "]": () => chooseStretch(bounds()[0], state.frame),
  1: () => setView("0"),
  2: () => setView("1"),
  3: () => setView("2"),
  4: () => setView("3"),
  0: () => setView("all"),
  b: () => setView("both"),
  o: ACTIONS.outlines,
  p: ACTIONS.bare,
  h: toggleReach,
  "+": () => playback.setSpeed(nextSpeed(state.speed, 1)),
  "-": () => playback.setSpeed(nextSpeed(state.speed, -1)),
  s: snapshot,
  f: ACTIONS.fullscreen,
  "?": ACTIONS.help,
};

function pressKey(event) {
  if (!data || event.ctrlKey || event.metaKey || event.altKey || find("help").open || keyIsTaken(event, root)) return;
  const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act || (event.key.startsWith("Page") && !(isZoomed() && root.contains(event.target)))) return;
  event.preventDefault();
  act(event);
}

function click(event) {
  const button = event.target.closest("button");
  if (!button || !data) return;
  if (button.dataset.view) setView(button.dataset.view);
  if (button.dataset.sound) playback.choose(button.dataset.sound);
  if (button.dataset.action) ACTIONS[button.dataset.action](button);
  if (event.detail > 0) focusKeys(); // after a click, space plays again
}

function focusKeys() {
  root.focus({ preventScroll: true });
}

function changeOpacity(event) {
  state.opacity = event.target.value / 100;
  render();
}

function changeSpeed(event) {
  playback.setSpeed(Number(event.target.value));
  focusKeys();
}

// ---- the page around it ----

function redraw() {
  write();
  renderTracks();
  render();
}

scope.listen(document, "keydown", pressKey);
scope.listen(root, "click", click);
scope.listen(find("opacity"), "input", changeOpacity);
scope.listen(find("opacity"), "pointerup", focusKeys);
scope.listen(find("speed"), "change", changeSpeed);
find("speed").append(...SPEEDS.map((speed) => Object.assign(labelled("option", `${speed}×`), { value: speed })));
listenToBoxes();
listenToReach();
listenToAnswers();
listenToPointer();
listenToGoTo();
listenToAddress();
watchSize(find("tracks"), renderTracks);
watchLook(root, redraw);
recallLook();
write();
live(load);
window.rtmri2speechFirst?.then((text) => arrivals || load(text)); // first_view.py
