#!/bin/sh
# The embedded kind of model, which sees the vocal tract only, from nothing but this repository: corpus, both stages, one
# model, its bundle and the tables of its card.
#
#   sh training/recipes/tract.sh WORK [small|try]
#
# "small" is for two cores and an afternoon; "try" goes through all of it in minutes and learns nothing. The trainings
# use a GPU where there is one. Stopped, the same command goes on where it was; only unfinished label maps begin
# anew. PYTHON: the interpreter; WORKERS: processes that make the corpus and, beside a GPU,
# draw the pictures; START: a bundle whose CNN to start from, instead of nothing; VOCODER: a run or bundle to take it
# from, by default the embedded one.
set -eu
work=$1
size=${2:-full}
python=${PYTHON:-python}
workers=${WORKERS:-2}
start=${START:-null}
case $size in
    full) minutes=300 heads=600 clips=950 sight_steps=40000 decay=10000 speech_steps=12000 join_steps=6000 ;;
    small) minutes=40 heads=40 clips=220 sight_steps=4000 decay=1500 speech_steps=3000 join_steps=1600 ;;
    try) minutes=0.8 heads=2 clips=3 sight_steps=4 decay=2 speech_steps=10 join_steps=2 ;;
    *) echo "The size is full, small or try, not $size." >&2; exit 2 ;;
esac
if [ "$size" = try ]; then
    speakers=6 learn=$(seq -f s%02g -s, 0 3) held=s04,s05 new_speakers=1 new_minutes=0.1
else
    speakers=80 learn=$(seq -f s%02g -s, 0 69) held=$(seq -f s%02g -s, 70 79) new_speakers=6 new_minutes=0.6
fi
mkdir -p "$work"

# Sound and truth of many speakers, of whom some are held out; label maps of single moments, and of whole utterances.
$python -m training.phantom --out "$work/sound" --minutes $minutes --speakers $speakers --seed 2 --no-pictures --long-pauses \
    --workers "$workers"
maps() {
    [ ! -f "$work/$1.npz" ] || return 0
    set -f # "[" in the settings is no pattern
    $python -m training.articulation.label_maps out="$work/$1.npz" workers="$workers" $2
    set +f
}
maps heads "heads=$heads each=48"
maps clips "corpus=$work/sound clips=$clips skip=[$held]"
maps val_clips "corpus=$work/sound clips=8 skip=[$learn] seed=5"

# Mel decoder, image encoder, and both as one model, fine-tuned.
$python -m training.articulation.mel_decoder corpus="$work/sound" run_dir="$work/speech" val_speakers="[$held]" \
    steps=$speech_steps
$python -m training.articulation.image_encoder pictures="[$work/heads.npz,$work/clips.npz]" val_pictures="[$work/val_clips.npz]" \
    run_dir="$work/sight" steps=$sight_steps decay=$decay workers="$workers" init_from="$start"
$python -m training.articulation.finetune sight="$work/sight" speech="$work/speech" corpus="$work/sound" \
    clips="[$work/clips.npz]" val_clips="[$work/val_clips.npz]" run_dir="$work/joined" steps=$join_steps validate_every=160 looks=1

# The bundle, with the vocoder of the embedded one, and its tables.
vocoder=${VOCODER:-assets/models/tract}
[ -d "$work/bundle" ] || $python -m training.publish --acoustic "$work/joined" --vocoder "$vocoder" --out "$work/bundle" \
    --pool 2
$python -m training.phantom --out "$work/held_speakers" --seed 1 --first-speaker 40 --speakers $new_speakers --minutes $new_minutes \
    --workers "$workers"
$python -m rtmri2speech evaluate "$work/held_speakers" --bundle "$work/bundle" --json > "$work/held_speakers.json"
$python -m training.evaluation.faithfulness assets/clips --bundle "$work/bundle" --maps layer-ig:32
$python -m training.evaluation.sensitivity assets/clips --bundle "$work/bundle"
$python -m training.evaluation.domain_shift "$work/held_speakers" --bundle "$work/bundle" --json "$work/transfer.json"
$python -m training.evaluation.random_scanners "$work/val_clips.npz" --sound "$work/sound" --bundle "$work/bundle"
$python -m training.evaluation.articulation "$work/held_speakers" --run "$work/sight"
$python -m training.evaluation.decoder_ceiling "$work/sound" --run "$work/speech" --bundle "$work/bundle"
$python -m training.evaluation.intonation "$work/held_speakers" --bundle "$work/bundle"
$python -m training.evaluation.vowels assets/clips/aiueo_*.mp4 --bundle "$work/bundle"
