// Permalink, in the page's address after "#": clip, bands with boxes and contrasts, target, frame, interval, view and
// visible time. Written on each change, read once when its clip arrives; opening.py reads its part of the analysis.

// state: of the explorer; data: of the clip.
function linkTo({ name, bands, duration }, { frame, stretch, view, view_s }) {
  const parts = new URLSearchParams({ clip: name });
  for (const { text } of bands) parts.append("band", text);
  if (bands.some(isFrequency)) parts.set("energy", "hz");
  parts.set("frame", frame);
  if (stretch) parts.set("stretch", stretch.join("-"));
  parts.set("view", view);
  if (view_s[1] - view_s[0] < duration - 1e-6) parts.set("time", view_s.map((seconds) => seconds.toFixed(3)).join("-"));
  return parts.toString();
}

// What of a link fits the clip: {frame, stretch, view, view_s}, each only if it is there and can be.
function fittingLink(link, { frames, duration, bands }) {
  const parts = new URLSearchParams(link), found = {};
  const pair = (key) => (parts.get(key) ?? "").match(/^(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)$/)?.slice(1).map(Number);
  const frame = parts.get("frame");
  if (/^\d+$/.test(frame ?? "") && Number(frame) < frames) found.frame = Number(frame);
  const chosen = pair("stretch");
  if (chosen?.every((value) => Number.isInteger(value) && value < frames)) found.stretch = stretch(...chosen, frames);
  if (viewsOf(bands.length, bands.some(isTwoSided)).includes(parts.get("view"))) found.view = parts.get("view");
  const span = pair("time");
  if (span && span[1] > span[0] && span[1] <= duration + 1e-3) found.view_s = moveWithin(span, duration);
  return found;
}

// Whether a link asks for a moment of a clip that is still to come.
function waitsForMore(link, clip) {
  if (!clip.whole) return false;
  const here = fittingLink(link, clip);
  const then = fittingLink(link, { ...clip, frames: Math.round(clip.whole * clip.fps), duration: clip.whole });
  return Object.keys(then).some((key) => !(key in here));
}

// Whether a link leads to this clip, with whatever bands.
function leadsToClip(link, { name }) {
  return new URLSearchParams(link).get("clip") === name;
}

// Whether it asks for these bands and boxes, and the same of them; one that names none does with any.
function hasBandsOf(link, { bands }) {
  const parts = new URLSearchParams(link), named = parts.getAll("band");
  if (!named.length) return true;
  const same = named.join("\n") === bands.map(({ text }) => text).join("\n");
  return same && (parts.get("energy") === "hz") === bands.some(isFrequency);
}

// ---- on the page ----

let opening = ""; // the link with which the page was opened, until its clip and its moment are there
let stopWriting = () => {};

function readAddress() {
  return location.hash.slice(1);
}

// What the link asks of the clip that has just arrived, or of which more has: all at once, unless someone has moved on.
function takeOpening() {
  const link = opening;
  if (!leadsToClip(link, data) || (data.whole && !state.untouched)) opening = "";
  else if (!waitsForMore(link, data)) {
    opening = "";
    return fittingLink(link, data);
  }
  return {};
}

// Once it stands still: while it plays, the address stays.
function writeLinkSoon() {
  stopWriting();
  if (!playback.playing) stopWriting = scope.later(300, writeLink);
}

function writeLink() {
  if (opening && state.untouched) return; // it is still to be followed
  const link = data.linked ? `#${linkTo(data, state)}` : "";
  if (link !== location.hash) history.replaceState(history.state, "", link || location.pathname + location.search);
}

async function copyLink() {
  writeLink();
  try {
    await navigator.clipboard.writeText(location.href);
    say(word("link_copied"));
  } catch {
    say(word("link_in_address")); // no clipboard without https or localhost
  }
}

function listenToAddress() {
  opening = readAddress();
  scope.listen(window, "hashchange", ({ newURL }) => {
    const link = new URL(newURL).hash.slice(1); // as it was asked for: writeLink may have written over it since
    if (data && leadsToClip(link, data) && hasBandsOf(link, data)) return show(fittingLink(link, data));
    stopWriting();
    history.replaceState(history.state, "", `#${link}`);
    location.reload();
  });
}
