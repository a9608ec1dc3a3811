// The recording's own frames, where the model's rate is another: the current one, and steps by them.
// times: where each begins and, last, where the clip ends, in seconds.

// The recording's frame on screen at the moment.
function ownFrameAt(seconds, times) {
  let low = 0, high = times.length - 2;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (times[middle] <= seconds + 1e-6) low = middle;
    else high = middle - 1;
  }
  return low;
}

// The model's frame that holds the middle of one of the recording's.
function modelFrameOf(own, times, fps, count) {
  return frameAt((times[own] + times[own + 1]) / 2, fps, count);
}

// ---- on the page ----

function isResampled() {
  return Boolean(data.recording.times);
}

// The one that was stepped to, or that is on screen in the middle of the model's frame.
function ownFrame() {
  return state.own ?? ownFrameAt((state.frame + 0.5) / data.fps, data.recording.times);
}

function stepOwn(direction) {
  if (!isResampled()) return step(direction);
  const { times } = data.recording;
  goToOwn(Math.min(times.length - 2, Math.max(0, ownFrame() + direction)));
}

function goToOwn(own) {
  const { times } = data.recording;
  if (own > times.length - 2) return say(word("past_own_end", { last: times.length - 2 }));
  playback.pause();
  seek(modelFrameOf(own, times, data.fps, data.frames));
  state.own = own;
  playback.seek(times[own] + 1e-4);
  render();
}

function renderOwn() {
  const shown = isResampled(), line = find("source");
  find("own").hidden = !shown;
  if (!shown) return;
  const own = ownFrame(), { times, fps } = data.recording, rates = { from: fps.toFixed(2), to: data.fps.toFixed(2) };
  line.textContent = word("own_frame", { own, seconds: times[own].toFixed(3), ...rates });
  line.title = word("resampled", { count: times.length - 1, frames: data.frames, ...rates });
}
