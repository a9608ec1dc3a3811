// Formants over the spectrograms and in the frame's card: measured in each sound, and a phantom's ground truth. Frames
// without a measurement show none.

const FORMANTS = 3;

// The frame's F1, F2 and F3 in whole Hz of a track, null where there is none.
function formantsAt({ hz }, frame) {
  return Array.from({ length: FORMANTS }, (_, number) => {
    const one = hz[FORMANTS * frame + number];
    return Number.isFinite(one) ? Math.round(one) : null;
  });
}

// ---- on the page ----

// Over the spectrogram of a sound: dots where they were measured, a line through each frame at the truth.
function paintFormants(box, name) {
  if (!state.formants) return;
  const { synthesised, original, truth } = data.formants, measured = name === "original" ? original : synthesised;
  within(box, () => {
    const radius = Math.max(1.6, Math.min(3, box.height / 26));
    for (const [more, colour] of measured ? [[1.2, "#000"], [0, "#fff"]] : [])
      paintTrack(box, measured, (draw, x, y) => dot(draw, x, y, radius + more), colour);
    const dash = (draw, x, y, wide) => draw.fillRect(x - wide / 2, y - 1, wide, 2);
    if (truth) paintTrack(box, truth, dash, box.colour("truth-on-dark"));
  });
  const told = [{ said: `• ${word(measured?.whispered ? "formants_in_whisper" : "formants_in_voice")}`, colour: "ink" }];
  if (truth) told.push({ said: `– ${word("formants_truth")}`, colour: "truth" });
  paintBesideTitle(box, [told]);
}

function dot(draw, x, y, radius) {
  draw.beginPath();
  draw.arc(x, y, radius, 0, 2 * Math.PI);
  draw.fill();
}

function paintTrack(box, track, mark, colour) {
  const { draw, axis, top, height } = box, [first, last] = framesInView();
  const wide = axis.width / ((axis.to - axis.from) * data.fps);
  draw.fillStyle = colour;
  for (let frame = first; frame <= last; frame++)
    for (const hz of formantsAt(track, frame)) {
      const share = hz === null ? null : heightOf(hz, data.mel_hz);
      if (share !== null) mark(draw, placeOf((frame + 0.5) / data.fps, axis), top + height * (1 - share), wide);
    }
}

function toggleFormants() {
  toggle("formants");
  renderTracks();
}

// In the card, of each sound: F1, F2 and F3, or that there are none.
function renderFormants() {
  const line = find("formants");
  line.hidden = !state.formants;
  if (line.hidden) return;
  const said = Object.entries(data.formants).map(([name, track]) => {
    const values = formantsAt(track, state.frame), key = track.whispered ? "formants_whispered" : `formants_${name}`;
    const none = values.every((one) => one === null);
    return `${word(key)} ${none ? word("formants_none") : values.map((one) => one ?? "–").join(" ")}`;
  });
  line.textContent = `${word("formants_hz")}${said.join(" · ")}`;
  line.title = word("formants_help");
}
