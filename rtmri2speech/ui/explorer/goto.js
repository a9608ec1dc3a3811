// Go to a typed frame, time or label, and from label to label.
// "120" is a frame, "#120" the recording's own frame, "4.2", "4.2 s", "4s" and "1:04.2" are times, all else (or text in
// quotes) is a label. Returns {frame}, {own}, {seconds} or {label}; null for an empty text.
function whereTo(typed) {
  const text = typed.normalize("NFKC").trim(), quoted = text.match(/^["'](.+)["']$/);
  if (quoted) return { label: quoted[1] };
  if (/^\d+$/.test(text)) return { frame: Number(text) };
  if (/^#\d+$/.test(text)) return { own: Number(text.slice(1)) };
  const time = text.match(/^(?:(\d+):)?(\d+(?:[.,]\d*)?|[.,]\d+)\s*(?:s|秒)?$/i);
  if (time) return { seconds: 60 * Number(time[1] ?? 0) + Number(time[2].replace(",", ".")) };
  return text ? { label: text } : null;
}

// The first frame of which at least half lies after the moment.
function firstFrameAfter(seconds, fps, count) {
  return Math.min(count - 1, Math.max(0, Math.ceil(seconds * fps - 0.5 - 1e-6)));
}

// The labels that say just so; where there are none, those in which it occurs. Upper and lower case are the same.
function labelsSaying(labels, words) {
  const said = (label) => label[2].normalize("NFKC").toLowerCase().trim(), asked = words.toLowerCase();
  const same = labels.filter((label) => said(label) === asked);
  return same.length ? same : labels.filter((label) => said(label).includes(asked));
}

// ---- on the page ----

// The label that begins next after the frame shown (before it: direction -1), past the end from the other end on.
function toLabel(direction, among = data.labels) {
  const starts = among.map(([from, to, said]) => ({ frame: firstFrameAfter(from, data.fps, data.frames), from, to, said }));
  const label = nextChange(starts, state.frame, direction);
  if (!label) return say(word("no_label"));
  playback.pause();
  seek(label.frame);
  say(word("label_at", { said: label.said, from: label.from.toFixed(2), to: label.to.toFixed(2) }));
}

function goTo(typed, direction) {
  const { own, seconds, label, frame = isResampled() ? undefined : own } = whereTo(typed) ?? {};
  if (label !== undefined) {
    const found = labelsSaying([...data.labels, ...data.remarks.map(([at, said]) => [at, at, said])], label);
    return found.length ? toLabel(direction, found) : say(word("no_such_label", { typed: label }));
  }
  if (own !== undefined && isResampled()) return goToOwn(own);
  const asked = frame ?? (seconds === undefined ? undefined : Math.floor(seconds * data.fps + 1e-6));
  if (asked === undefined) return;
  if (asked >= data.frames) return say(word("past_end", { last: data.frames - 1, seconds: data.duration.toFixed(2) }));
  playback.pause();
  seek(asked);
}

function listenToGoTo() {
  const field = find("goto");
  scope.listen(field, "keydown", (event) => {
    if (event.key === "Enter" && !event.isComposing) goTo(field.value, event.shiftKey ? -1 : 1);
    if (event.key === "Escape") focusKeys();
  });
  scope.listen(field, "focus", () => field.select());
}

// What is said in the clip, to choose from.
function offerLabels() {
  const said = [...new Set([...data.labels.map(([, , said]) => said.trim()), ...data.remarks.map(([, said]) => said)])];
  find("said-labels").replaceChildren(...said.map((said) => Object.assign(document.createElement("option"), { value: said })));
}
