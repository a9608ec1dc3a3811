// Custom targets: a time-frequency region, or the contrast of an interval with a reference interval. The page handles
// the request (ui/time_frequency_boxes.py).

const ASKED_OF_ALL = "all"; // the whole spectrum

// Frames [first, last] -> from and to in seconds, which the core makes the same frames of (analysis.frames_of).
function secondsOf([first, last], fps) {
  return [first / fps, (last + 1) / fps].map((seconds) => +seconds.toFixed(3));
}

// From and to in seconds -> the frames whose middles lie between, at least one.
function framesBetween([from, to], fps, count) {
  const first = Math.round(from * fps), stop = Math.min(Math.round(to * fps), count);
  if (first < stop) return [first, stop - 1];
  const middle = Math.min(Math.floor(((from + to) / 2) * fps), count - 1);
  return [middle, middle];
}

// A is what was kept; B the chosen stretch or, without one, the frame shown. Gives {a, b}, or {missing: what to say}.
function contrasted({ kept, stretch, frame }) {
  const b = stretch ?? [frame, frame];
  if (!kept) return { missing: "contrast_what" };
  return kept[0] === b[0] && kept[1] === b[1] ? { missing: "contrast_same" } : { a: kept, b };
}

// Whether nobody speaks in any of the frames from first to last.
function isSilent([first, last], silent) {
  for (let frame = first; frame <= last; frame++) if (!silent[frame]) return false;
  return true;
}

// ---- on the page ----

// A sentence over the tracks, until someone does something else.
function tell(words) {
  find("told").textContent = words;
  find("told").hidden = !words;
}

// The page answers once the session has its result: the first view is there before (first_view.py).
function request(button) {
  if (window.rtmri2speechReady) document.querySelector(button)?.click();
  else scope.later(200, () => request(button));
}

function ask(what) {
  root.dataset.box = JSON.stringify(what);
  request("#box-asked");
}

// box: {from_s, to_s, low_hz, high_hz}.
function askForBox(box) {
  if (isSilent(framesBetween([box.from_s, box.to_s], data.fps, data.frames), data.silent)) return tell(word("box_silent"));
  ask(box);
}

// Low and high of the band that is chosen beside the buttons, Hz.
function askedBand() {
  const band = data.bands.find((band) => isFixed(band) && band.name === find("asked-band").value);
  const { low_hz, high_hz } = band ?? { low_hz: Math.floor(data.mel_hz[0]), high_hz: Math.ceil(data.mel_hz.at(-1)) };
  return { low_hz, high_hz };
}

function boxStretch() {
  if (!state.stretch) return tell(word("box_what"));
  const [from_s, to_s] = secondsOf(state.stretch, data.fps);
  askForBox({ from_s, to_s, ...askedBand() });
}

function askWhy() {
  const { a, b, missing } = contrasted(state);
  if (missing) return tell(word(missing));
  for (const [which, span] of [["A", a], ["B", b]])
    if (isSilent(span, data.silent)) return tell(word("contrast_silent", { which, first: span[0], last: span[1] }));
  const [from_s, to_s] = secondsOf(a, data.fps), [than_from_s, than_to_s] = secondsOf(b, data.fps);
  ask({ from_s, to_s, than_from_s, than_to_s, ...askedBand() });
}

// The maps of what moves the sound in each band up and down, or again those of how much there is of it.
function askForFrequency() {
  if (!data.bands.some((band) => isFixed(band) || isFollowed(band))) return tell(word("frequency_of_none"));
  ask({ energy: data.bands.some(isFrequency) ? "db" : "hz" });
}

// A box or a contrast that was asked for goes.
function forget(button) {
  ask({ forget: button.dataset.band });
}

// The bands to choose from, the choice kept where it can be.
function offerBands() {
  const choice = find("asked-band"), chosen = choice.value, ordinary = data.bands.filter(isFixed);
  const all = Object.assign(labelled("option", word("whole_spectrum")), { value: ASKED_OF_ALL });
  choice.replaceChildren(all, ...ordinary.map((band) => Object.assign(labelled("option", bandLabel(band)), { value: band.name })));
  choice.value = ordinary.some(({ name }) => name === chosen) ? chosen : ASKED_OF_ALL;
}

let viewBefore = null; // what was looked at before the first answer came

// An answer is what is looked at, as soon as it is there, and what was looked at before, once all are gone.
function showAsked(before) {
  const of = (bands) => bands.filter(({ stretch_s }) => stretch_s), known = new Set(of(before).map(({ name }) => name));
  const number = data.bands.findIndex(({ name, stretch_s }) => stretch_s && !known.has(name));
  if (number >= 0) {
    viewBefore ??= state.view;
    state.view = String(number);
  } else if (!of(data.bands).length && viewBefore !== null) {
    state.view = viewBefore;
    viewBefore = null;
  }
}

function forgetButton({ name }) {
  const button = labelled("button", "×", "small forget");
  Object.assign(button, { type: "button", title: word("forget") });
  Object.assign(button.dataset, { action: "forget", band: name });
  button.setAttribute("aria-label", word("forget"));
  return button;
}

function listenToAnswers() {
  for (const type of ["pointerdown", "keydown"]) scope.listen(document, type, () => tell(""), { capture: true });
}
