// Kinds of bands, and a formant-tracking band over a spectrogram.

// A band between two limits, always; no box, nothing of the whole spectrum, nothing that moves.
function isFixed({ stretch_s, of }) {
  return !stretch_s && !of;
}

function isWhole({ of }) {
  return of === "loudness" || of === "tilt";
}

function isTilt({ of }) {
  return of === "tilt";
}

function isFollowed({ formant_hz }) {
  return Boolean(formant_hz);
}

// Whether its maps tell what raises a number and what lowers it: they show both signs.
function isTwoSided({ value }) {
  return Boolean(value);
}

// Whether they tell what moves its frequency up and down, not how much there is in it.
function isFrequency({ unit }) {
  return unit === "Hz";
}

// Whether the band is anywhere in the frame: one that follows a formant is where that was measured.
function isThere({ formant_hz }, frame) {
  return !formant_hz || Number.isFinite(formant_hz[frame]);
}

// Of a band that follows a formant, for each run of frames that have it: {first, low: [...], high: [...]}, Hz.
function runsOfBand({ formant_hz, width_hz }) {
  return runsOf(Array.from(formant_hz, Number.isFinite)).map(([first, stop]) => {
    const track = [...formant_hz.slice(first, stop)];
    return { first, low: track.map((hz) => hz - width_hz), high: track.map((hz) => hz + width_hz) };
  });
}

// ---- on the page ----

// Its two edges, in steps from frame to frame, around what it follows.
function paintFollowed(box, band, number) {
  const { draw, colour, axis, top, height, left } = box, tones = data.mel_hz;
  const within0to1 = (hz) => (hz <= tones[0] ? 0 : hz >= tones.at(-1) ? 1 : heightOf(hz, tones));
  const y = (hz) => top + height * (1 - within0to1(hz)), x = (frame) => placeOf(frame / data.fps, axis);
  draw.strokeStyle = colour(`band-${number}-on-dark`);
  draw.lineWidth = 1.5;
  const runs = runsOfBand(band);
  within(box, () => {
    for (const { first, low, high } of runs) {
      const steps = (edge) => edge.flatMap((hz, k) => [[x(first + k), y(hz)], [x(first + k + 1), y(hz)]]);
      draw.beginPath();
      for (const [k, point] of [...steps(high), ...steps(low).reverse()].entries()) k ? draw.lineTo(...point) : draw.moveTo(...point);
      draw.closePath();
      draw.stroke();
    }
  });
  draw.lineWidth = 1;
  const [first, last] = framesInView(), seen = [...band.formant_hz.slice(first, last + 1)].filter(Number.isFinite);
  if (!seen.length) return;
  draw.fillStyle = colour(`band-${number}`);
  text(box, shortened(box, band.name, left - 8), left - 6, y(seen.sort((a, b) => a - b)[seen.length >> 1]), "right");
}
