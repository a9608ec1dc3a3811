"""The core's messages in Japanese: template -> template with the same fields.

The core speaks English; an InputError knows its template and values. tests/ui/test_texts.py reads every template out
of the source and fails where one that the page may show has no Japanese here, or one here is no longer used.
"""

from ...errors import InputError

JAPANESE = {
    "Two labels overlap at {at:.3f} s.": "{at:.3f}秒で2つのラベルが重なっています。",
    "There is a boundary at {at:.3f} s already.": "{at:.3f}秒にはすでに境界があります。",
    "The boundary cannot be moved past its neighbours.": "隣の境界を越えて動かすことはできません。",
    "There is no boundary yet: add one first.": "まだ境界がありません。先に境界を置いてください。",
    "The sound can be moved by up to {most} ms.": "音声をずらせるのは{most} msまでです。",
    "There are no regions to hide: no head in profile was found.": (
        "隠せる領域がありません。横顔の断面が見つかりませんでした。"
    ),
    "The model does not speak in these frames: there is nothing to compare.": (
        "このフレームではモデルは無音なので、比べるものがありません。"
    ),
    "Choose of {known}, not {given!r}.": "{known}から選んでください（{given!r}は不可）。",
    "Choose a format for figures, of {known}.": "図の形式を{known}から選んでください。",
    "A figure of {bands} bands is {least:.1f} to {most:g} cm wide, not {given:g}.": (
        "帯域が{bands}個の図の幅は{least:.1f}〜{most:g} cmです（{given:g}は不可）。"
    ),
    "A figure is a file of {known}, not {path}.": "図のファイル形式は{known}です（{path}は不可）。",
    "{path}: {reason}": "{path}：{reason}",
    "This program has a fault ({kind}): tell its authors.": (
        "プログラムの不具合です（{kind}）。作者にお知らせください。"
    ),
    "{path} is damaged or not what its name says: it cannot be read.": (
        "{path}は壊れているか、名前どおりの形式ではないため、読み込めません。"
    ),
    "{path} is cut short: {there:.2f} s of {whole:.2f} s are there, {missing:.2f} s are missing.": (
        "{path}は途中で切れています（{whole:.2f}秒のうち{there:.2f}秒しかなく、{missing:.2f}秒が欠けています）。"
    ),
    "{path}: frame {frame} holds gray levels of type {type}, the first of type {first}: save all alike.": (
        "{path}：フレーム{frame}の画素値は{type}型ですが、最初のフレームは{first}型です。すべて同じ型で保存してください。"
    ),
    "{path} is malformed: its {keyword} cannot be read.": "{path}は壊れています（{keyword}を読み取れません）。",
    "{path} mixes pictures of several kinds ({kinds}): leave one of them.": (
        "{path}には複数の種類の画像（{kinds}）が混ざっています。一つだけにしてください。"
    ),
    "{path} mixes pictures of several kinds ({kinds}): those of magnitude, {count}, are taken.": (
        "{path}には複数の種類の画像（{kinds}）が混ざっています。強度画像{count}枚を使います。"
    ),
    "{path} says that its frame rate is {told}: on the command line, give the true one with --fps.": (
        "{path}に記録されたフレームレート（{told}）は正しくありません。コマンドなら--fpsで指定できます。"
    ),
    "{path} is cut short: it ends after {there:.2f} s, within the sound.": (
        "{path}は途中で切れています（{there:.2f}秒まで）。"
    ),
    "{path} is damaged: {reason}": "{path}は壊れています（{reason}）。",
    "{path} does not tell how long it is: save it anew, as WAV or FLAC.": (
        "{path}には長さが記録されていません。WAVかFLACで保存し直してください。"
    ),
    "{path} is a stack of ImageJ's own kind: save it as a plain TIFF of one channel.": (
        "{path}はImageJ独自の形式です。1チャンネルの通常のTIFFとして保存してください。"
    ),
    "{path} is neither in UTF-8 nor in UTF-16: save it as UTF-8, as Praat can.": (
        "{path}の文字コードが分かりません。PraatなどでUTF-8にして保存し直してください。"
    ),
    "The vocoder's {name} must be whole numbers from 1 to {most}, not {given!r}.": (
        "ボコーダーの{name}は1〜{most}の整数です（{given!r}は不可）。"
    ),
    "The sound has {count} gaps, {seconds:.2f} s in all, the first at {at:.2f} s: they are silent.": (
        "音声が{count}か所、合わせて{seconds:.2f}秒途切れています（最初は{at:.2f}秒）。その間は無音です。"
    ),
    "{count} packets of the sound are damaged and left out.": (
        "音声のパケット{count}個が壊れているため、除いています。"
    ),
    "{count} frames of the video are damaged and are shown as they can be.": (
        "動画のフレーム{count}枚が壊れています。読める範囲で表示しています。"
    ),
    # English pattern -> Japanese. A {name} stands for any words of the message; they are carried over.
    # ---- regions that move with the speaker ----
    "{path} is not a file of corrected regions ({error}).": "{path}は領域の修正ファイルではありません（{error}）。",
    "Give the number of the frame whose regions are to be taken.": "領域の参照フレームの番号を入力してください。",
    "{path} is damaged or lacks an entry ({reason}).": "{path}は壊れているか、項目が足りません（{reason}）。",
    "Draw a shape on the picture first.": "先に画像の上に図形を描いてください。",
    "There is no region called {name!r}: give one of {known}.": ("「{name!r}」という領域はありません（{known}）。"),
    "{path} is not the truth of a phantom clip ({error}).": (
        "{path}はファントム動画の正解ファイルではありません（{error}）。"
    ),
    "A shift is given in shares of the picture, from -1 to 1, not {dx} and {dy}.": (
        "移動量は画像に対する割合（-1から1）で指定してください（{dx}、{dy}は不可）。"
    ),
    "Paint one region at a time: {name!r} stands for several.": (
        "領域は一つずつ塗ってください。「{name!r}」は複数の領域をまとめた名前です。"
    ),
    "What was painted lies outside the picture.": "塗った部分が画像の外にあります。",
    "Regions are found in uint8 frames (T, H, W), not {shape}.": (
        "領域の検出にはuint8のフレーム（T, H, W）が必要です（{shape}は不可）。"
    ),
    "Regions come from {known}, not {given!r}.": "領域の出どころは{known}から選んでください（{given!r}は不可）。",
    "{recording} has no truth: only phantoms have a <name>.truth.npz beside them.": (
        "{recording}には正解がありません。正解ファイル（<名前>.truth.npz）があるのはファントムだけです。"
    ),
    "There is no segmenter in {folder}: segmenter.json is missing.": (
        "{folder}に領域モデルがありません（segmenter.jsonが見つかりません）。"
    ),
    "{path} is not a segmenter of format version {version}.": (
        "{path}は形式バージョン{version}の領域モデルではありません。"
    ),
    "The segmenter {folder} lacks its file {name}.": "領域モデル{folder}に{name}がありません。",
    "{file} is damaged: its sha256 is not the one in segmenter.json.": (
        "{file}は壊れています（sha256がsegmenter.jsonの値と異なります）。"
    ),
    "{path} is a segmenter of other regions than this program knows.": (
        "{path}はこのプログラムにない領域のモデルです。"
    ),
    "A region that moves can only be hidden once the clip's regions have been found.": (
        "動く領域を隠すには、先にこの動画の領域を検出してください。"
    ),
    "A segmenter of {levels} levels needs pictures of a multiple of {coarsest} pixels, not {size}.": (
        "{levels}段の領域モデルの画像は{coarsest}画素の倍数でなければなりません（{size}は不可）。"
    ),
    # ---- files of heatmaps, and of the command gradcam ----
    "There is no heatmap file {path}.": "ヒートマップのファイル{path}がありません。",
    "{path} is not a NumPy file that can be read.": "{path}はNumPyのファイルとして読み込めません。",
    "{path} does not hold heatmaps: a float array (frames, rows, columns) is needed.": (
        "{path}はヒートマップではありません。（フレーム, 行, 列）の浮動小数点配列が必要です。"
    ),
    "{path} is damaged: its fps or start_frame is not one of a heatmap sequence.": (
        "{path}は壊れています（fpsまたはstart_frameがヒートマップのものではありません）。"
    ),
    "Cannot write {path}: give a name that ends in .npy.": (
        "{path}には書き込めません。.npyで終わる名前を指定してください。"
    ),
    "Give one colour map for all bands or one for each of the {count}, not {given}.": (
        "カラーマップは全帯域に1つ、または{count}個の帯域それぞれに1つ指定してください（{given}個は不可）。"
    ),
    "There is no frame {frame} to draw: the sequence has frames 0 to {last}.": (
        "描画するフレーム{frame}がありません（フレームは0から{last}まで）。"
    ),
    "The folder {path} holds no clip ({known}).": "フォルダー{path}に動画がありません（{known}）。",
    # ---- fitting to a scanner ----
    "The share of new statistics is above 0 and at most 1, not {share:g}.": (
        "新しい統計量の割合は0より大きく1以下です（{share:g}は不可）。"
    ),
    "The CNN {name} has no BatchNorm to be fitted.": ("CNN「{name}」には適応できるBatchNormがありません。"),
    "The clips have {count} frames together: {fewest} or more are needed to fit a bundle.": (
        "動画は合わせて{count}フレームです。モデルの適応には{fewest}フレーム以上必要です。"
    ),
    # ---- the voice ----
    "The intonation is one of {known}, not {given}.": ("抑揚は{known}のどれかです（{given}は不可）。"),
    "The pitch is from {low:g} to {high:g} Hz, not {hz:g}.": (
        "声の高さは{low:g}から{high:g} Hzの間で指定してください（{hz:g}は不可）。"
    ),
    "A bundle's voice has two rows of finite weights, and two of bias.": (
        "モデル一式の「voice」は、有限な重み2行とバイアス2個でなければなりません。"
    ),
    "The bundle's voice is for another acoustic model: its weights are of another width.": (
        "モデル一式の「voice」は別の音響モデルのものです（重みの幅が違います）。"
    ),
    "The bundle {name} carries no voice: pitch and intonation cannot be chosen.": (
        "モデル一式「{name}」は声の情報を持たないため、高さや抑揚は選べません。"
    ),
    "The clip has no voiced sound of its own: choose declining or flat intonation.": (
        "この動画の音声には有声の部分がありません。抑揚は「下降」か「平坦」を選んでください。"
    ),
    "Cannot read the pitch {text!r}: write 120 (Hz) or -3st (semitones).": (
        "声の高さ{text!r}を読み取れません。120（Hz）または-3st（半音）のように書いてください。"
    ),
    # ---- clips and sounds ----
    "There is no file or folder {path}.": ("{path}というファイルやフォルダーはありません。"),
    "{path} is empty.": ("{path}は空です。"),
    "{path} is not a video that can be decoded.": ("{path}は動画として読み込めません。"),
    "{path} has no video stream, only sound or other data.": ("{path}には映像がなく、音声などしか入っていません。"),
    "{path} holds one frame only: speech needs a clip of two frames or more.": (
        "{path}には1フレームしかありません。音声の合成には2フレーム以上の動画が必要です。"
    ),
    "{path} lasts {duration:.1f} s: at most {limit:g} s are read, cut it first.": (
        "{path}の長さは{duration:.1f}秒です。読み込めるのは{limit:g}秒までです。短く切ってから開いてください。"
    ),
    "{path} is {width}x{height} pixels: a side must have at least {least} pixels.": (
        "{path}は{width}x{height}画素です。一辺は{least}画素以上必要です。"
    ),
    "{path} is {width}x{height} pixels: a side may have at most {most} pixels.": (
        "{path}は{width}x{height}画素です。一辺は{most}画素までです。"
    ),
    "{path} has more than {most} frames: cut it first.": (
        "{path}のフレーム数は{most}を超えています。短く切ってから開いてください。"
    ),
    "{path} needs more than {most:.0f} MiB once decoded: cut it or make it smaller first.": (
        "{path}は展開すると{most:.0f} MiBを超えます。短く切るか、小さくしてから開いてください。"
    ),
    "{path}: frame {frame} is {w}x{h} pixels, the first is {w0}x{h0}.": (
        "{path}：フレーム{frame}は{w}x{h}画素で、最初のフレームの{w0}x{h0}画素と異なります。"
    ),
    "{path} holds no frame that can be decoded.": ("{path}には読み込めるフレームがありません。"),
    "{path} is damaged or cut short: {read} of {all} frames can be decoded.": (
        "{path}は壊れているか途中で切れています。読み込めるのは{all}フレーム中{read}フレームです。"
    ),
    "{path} is damaged or cut short: only {read} frames can be decoded.": (
        "{path}は壊れているか途中で切れています。読み込めるのは{read}フレームだけです。"
    ),
    "{path} has no time stamps and no frame rate: on the command line, give it with --fps.": (
        "{path}には時刻情報もフレームレートもありません。コマンドなら--fpsで指定できます。"
    ),
    "The frame rate must be above 0 and at most 1000 frames/s, not {fps:g}.": (
        "フレームレートは0より大きく1000以下で指定してください（{fps:g}は不可）。"
    ),
    "The sound lasts longer than {limit:g} s: cut the clip first.": (
        "音声が{limit:g}秒を超えています。動画を短く切ってから開いてください。"
    ),
    "{path} is a folder of frames: on the command line, give their frame rate with --fps.": (
        "{path}はフォルダーです。連番画像のフォルダーはコマンドの--fpsでフレームレートを指定してください。"
    ),
    "{path} holds no numbered PNG or TIFF frames (such as clip_0000.png).": (
        "{path}には連番のPNG・TIFF画像（clip_0000.pngなど）がありません。"
    ),
    "{path} has two frames with the number {number}.": ("{path}には番号{number}の画像が2枚あります。"),
    "{path}: frame number {number} is missing between {first} and {last}.": (
        "{path}：{first}から{last}までのうち、番号{number}の画像がありません。"
    ),
    "{path} is not a picture that can be read.": ("{path}は画像として読み込めません。"),
    "{path} is not a NumPy array file that can be read.": ("{path}はNumPy配列のファイルとして読み込めません。"),
    "{path} unpacks to more than {most:.0f} GiB.": ("{path}は展開すると{most:.0f} GiBを超えます。"),
    "{path} holds no array.": ("{path}に配列がありません。"),
    "{path} holds an array of shape {shape}: frames must be (T, H, W).": (
        "{path}の配列の形は{shape}です。フレームは(T, H, W)の形にしてください。"
    ),
    "{path} holds no frame.": ("{path}にフレームがありません。"),
    "{path} holds values of type {type}: gray levels must be numbers.": (
        "{path}の値の型は{type}です。濃淡は数値でなければなりません。"
    ),
    "{path} holds gray levels that are not finite numbers.": ("{path}の濃淡に有限でない数値があります。"),
    "{path} does not tell its frame rate: on the command line, give it with --fps.": (
        "{path}にはフレームレートが記録されていません。コマンドなら--fpsで指定できます。"
    ),
    "To read {path}, the package {package} is needed: pip install {package}.": (
        "{path}を読み込むにはパッケージ{package}が必要です（pip install {package}）。"
    ),
    "{path} shows {count} slices: a clip is one slice over time.": (
        "{path}には{count}枚の断面があります。クリップは1断面の時系列でなければなりません。"
    ),
    "{path} is damaged or no DICOM that can be read.": ("{path}は壊れているか、DICOMとして読み込めません。"),
    "{path} is compressed in a way that cannot be read here: save it uncompressed.": (
        "{path}の圧縮方式は読み込めません。非圧縮で保存し直してください。"
    ),
    "{path} holds several DICOM series: leave one of them in the folder.": (
        "{path}にはDICOMのシリーズが複数あります。フォルダーに1つだけ残してください。"
    ),
    "{path} holds several DICOM files of many frames: give one of them.": (
        "{path}には複数フレームのDICOMファイルがいくつもあります。そのうちの1つを指定してください。"
    ),
    "{path}: the frames of this DICOM series are not numbered.": (
        "{path}：このDICOMシリーズのフレームには番号がありません。"
    ),
    "This DICOM file's or folder's name holds the patient's, and outputs would carry it: rename it first.": (
        "このDICOMファイルまたはフォルダーの名前に患者名が含まれており、出力にも残ってしまいます。先に名前を変えてください。"
    ),
    "{path} is not a NIfTI file that can be read.": ("{path}はNIfTIファイルとして読み込めません。"),
    "{path} is not a MATLAB file that can be read.": ("{path}はMATLABのファイルとして読み込めません。"),
    "{path} is not an HDF5 file that can be read.": ("{path}はHDF5ファイルとして読み込めません。"),
    "{path} holds raw data as the scanner received it, no pictures: reconstruct it first.": (
        "{path}にあるのは画像ではなく撮像装置の生データです。先に再構成してください。"
    ),
    "{path} refers to other files: save the frames in the file itself.": (
        "{path}はほかのファイルを参照しています。フレームをこのファイル自体に保存してください。"
    ),
    "There is no sound file {path}.": ("{path}という音声ファイルはありません。"),
    "{path} is not a sound file that can be read (WAV, FLAC, OGG, MP3).": (
        "{path}は音声ファイル（WAV・FLAC・OGG・MP3）として読み込めません。"
    ),
    "{path} holds no samples.": ("{path}に音声がありません。"),
    "{path} holds samples that are not finite numbers.": ("{path}に有限でない数値の標本があります。"),
    "Cannot write sound as {path!r}: give a name that ends in .wav or .flac.": (
        "{path!r}には音声を書き出せません。.wavか.flacで終わる名前にしてください。"
    ),
    "{output} is read by this command and would be overwritten: give the output another name.": (
        "{output}はこのコマンドが読み込むファイルで、上書きされてしまいます。別の名前で出力してください。"
    ),
    "{output} would be written into a folder that is read: give the output another folder.": (
        "{output}は読み込み中のフォルダーの中です。別のフォルダーに出力してください。"
    ),
    "{output} holds {source}, which is read, and would be replaced: give the output another name.": (
        "{output}の中には読み込む{source}があり、置き換えられてしまいます。別の名前で出力してください。"
    ),
    "Cannot write {path}: {folder} is not a folder.": "{path}に書き込めません（{folder}はフォルダーではありません）。",
    'It is not clear which array of {path} holds the frames ({names}): call it "frames".': (
        "{path}のどの配列がフレームか判断できません（{names}）。フレームの配列を「frames」という名前にしてください。"
    ),
    "{path} does not describe a bundle: it holds a {kind}.": "{path}はモデルの記述ではありません（中身は{kind}です）。",
    "The sha256 of {path} is not in bundle.json: it cannot be trusted.": (
        "{path}のsha256がbundle.jsonにないため、正しいファイルか確かめられません。"
    ),
    "Cannot write {path}: {reason}.": ("{path}に書き込めません（{reason}）。"),
    "Cannot write {path}: {reason}": ("{path}に書き込めません（{reason}）。"),
    "This machine has too little memory for this clip: cut it first.": (
        "この動画を処理するにはメモリーが足りません。短く切ってから開いてください。"
    ),
    "The disk of this machine is full.": ("サーバーのディスクに空きがありません。"),
    "The heatmaps of {count} frames would take more than {most} GiB: choose fewer bands.": (
        "{count}フレームのヒートマップは{most} GiBを超えます。帯域を減らしてください。"
    ),
    "Give a video.": ("動画を指定してください。"),
    # ---- bands and settings ----
    "Two bands have the same name: give each its own.": ("同じ名前の帯域があります。別々の名前を付けてください。"),
    "Give 1 to {most} bands, not {count}.": ("帯域は1個から{most}個までにしてください（いまは{count}個）。"),
    "Band {name}: give its lower and its upper limit in Hz.": ("帯域{name}：下限と上限をHzで入力してください。"),
    "Band {name}: give how many Hz on either side of the formant.": (
        "帯域{name}：フォルマントの上下の幅をHzで入力してください。"
    ),
    "A band's name is 1 to 40 letters, digits, '.', '_' or '-', not {name!r}.": (
        "帯域の名前は文字・数字・「.」「_」「-」で1文字から40文字です（{name!r}は不可）。"
    ),
    "Band {name}: the limits must be finite and not negative.": (
        "帯域{name}：下限と上限は0以上の有限の数にしてください。"
    ),
    "Band {name} is reversed or empty ({low_hz:g}-{high_hz:g} Hz): give the lower limit first, as in F1:300-900.": (
        "帯域{name}は上下が逆か、幅がありません（{low_hz:g}-{high_hz:g} Hz）。下限を先に、上限を後に入力してください。"
    ),
    "Cannot read the band {text!r}: write NAME:LOW-HIGH in Hz, as in F1:300-900, or loudness, tilt, or formant2.": (
        "帯域{text!r}を読み取れません。F1:300-900のように「名前:下限-上限」（Hz）か、"
        "loudness、tilt、formant2と書いてください。"
    ),
    "Band {name}: it is of {known}, and follows the formants of speech that is {tracks}.": (
        "帯域{name}：対象は{known}で、追従する音声は{tracks}です。"
    ),
    "The band {name} follows a formant: write {of}+-200 for Hz on either side, and of which speech ({tracks}).": (
        "帯域{name}はフォルマントに追従します。{of}+-200のように上下の幅（Hz）と、どの音声か（{tracks}）を書いてください。"
    ),
    "The band {name} has no formant to follow: no formant {number} was measured ({track} speech).": (
        "帯域{name}が追従するフォルマントがありません。第{number}フォルマントは測定されませんでした（音声：{track}）。"
    ),
    "The band {name} holds no mel bin of this bundle around its formant: widen it, as in {name}:{of}+-200.": (
        "帯域{name}のフォルマントの周りにメルビンがありません。{name}:{of}+-200のように広げてください。"
    ),
    "This clip has no original speech whose formants a band could follow.": (
        "この動画には、フォルマントを追従できる原音声がありません。"
    ),
    "{band} reaches beyond the mel's range ({fmin_hz:g}-{top_hz:g} Hz).": (
        "{band}がメルの範囲（{fmin_hz:g}-{top_hz:g} Hz）を超えています。"
    ),
    "{band} holds no mel bin of this bundle: widen it (the nearest bin is at {hz:.0f} Hz).": (
        "{band}にはこのモデルのメルビンが入りません。広げてください（最も近いビンは{hz:.0f} Hz）。"
    ),
    "{given!r} is not one of {known}.": ("{given!r}は選択肢（{known}）にありません。"),
    "The energy of a band is taken as {known}, not {given!r}.": (
        "帯域エネルギーの単位は{known}です（{given!r}は不可）。"
    ),
    "There is no attribution method {name!r}: choose of {known}.": (
        "{name!r}という帰属手法はありません。{known}から選んでください。"
    ),
    "Maps are asked for as METHOD or METHOD:CELLS, as layer-ig:16, not {text!r}.": (
        "マップは「手法」または「手法:セル数」（例：layer-ig:16）で指定してください（{text!r}は不可）。"
    ),
    "There is no temporal model {kind!r}: this version knows {known}.": (
        "{kind!r}という時系列モデルはありません（このバージョンにあるもの：{known}）。"
    ),
    "There is no kind of vocoder for {name}: add it to VOCODERS.": (
        "{name}に当たるボコーダーの種類がありません。VOCODERSに追加してください。"
    ),
    "There is no vocoder of kind {kind!r}: this version knows {known}.": (
        "{kind!r}という種類のボコーダーはありません（このバージョンにあるもの：{known}）。"
    ),
    "Heatmaps are normalised by clip or frame, not {given!r}.": (
        "ヒートマップの正規化はclipかframeです（{given!r}は不可）。"
    ),
    "The precision is auto, fp32 or bf16, not {given!r}.": (
        "精度はauto・fp32・bf16のいずれかです（{given!r}は不可）。"
    ),
    "The audio has {samples} samples ({seconds:.3f} s); a mel spectrogram needs at least {least}.": (
        "音声が短すぎます（{samples}標本、{seconds:.3f}秒）。メルスペクトログラムには{least}標本以上必要です。"
    ),
    # ---- bundles ----
    "There is no bundle in {folder}: bundle.json is missing.": (
        "{folder}にモデルがありません（bundle.jsonがありません）。"
    ),
    "There is no folder of bundles {folder}.": ("モデルのフォルダー{folder}がありません。"),
    "There is no folder of clips {folder}.": ("サンプル動画のフォルダー{folder}がありません。"),
    "{path} is of format version {version}, this program reads version {known}.": (
        "{path}の形式の版は{version}です。このプログラムが読めるのは版{known}です。"
    ),
    "{folder} does not lie beside {other}: its vocoder cannot be shared.": (
        "{folder}は{other}と同じ階層にないため、ボコーダーを共有できません。"
    ),
    "The bundle {folder} lacks its file {name}.": ("モデル{folder}にファイル{name}がありません。"),
    "The settings {part} must be a list of names and values, not {values!r}.": (
        "設定{part}は名前と値の組でなければなりません（{values!r}は不可）。"
    ),
    "There is no setting called {prefix}{name} (known: {known}).": (
        "{prefix}{name}という設定はありません（使えるのは{known}）。"
    ),
    "The setting {prefix}{name} is missing.": "設定{prefix}{name}がありません。",
    "The setting {where} must be {names}, not {value!r}.": (
        "設定{where}は{names}でなければなりません（{value!r}は不可）。"
    ),
    "{path} is damaged: its sha256 is not the one in bundle.json.": (
        "{path}は壊れています（sha256がbundle.jsonと一致しません）。"
    ),
    "{path} lacks the entry {name}.": ("{path}に項目{name}がありません。"),
    "{path} cannot be read as a bundle: {reason}.": ("{path}はモデルとして読み込めません（{reason}）。"),
    "A bundle's kind is one of {known}, not {given!r}.": ("モデルの種別は{known}のいずれかです（{given!r}は不可）。"),
    "A vocoder's input is one of {known}, not {given!r}.": (
        "ボコーダーの入力は{known}のいずれかです（{given!r}は不可）。"
    ),
    "The {part} is for {bins} mel bins, the bundle's mel has {wanted}.": (
        "{part}のメルビン数は{bins}ですが、モデルのメルは{wanted}です。"
    ),
    "The vocoder makes {samples} samples a frame, the bundle's mel has {wanted}.": (
        "ボコーダーは1フレームに{samples}標本を作りますが、モデルのメルは{wanted}標本です。"
    ),
    "{folder} exists already: give the name of a new folder.": (
        "{folder}はすでにあります。新しいフォルダーの名前にしてください。"
    ),
    "The scaler's mean and std must be lists of numbers of the same length.": (
        "scalerのmeanとstdは同じ長さの数の並びでなければなりません。"
    ),
    "The scaler holds a value that is not finite, or a deviation that is not positive.": (
        "scalerに有限でない値か、正でない標準偏差があります。"
    ),
    'The scaler {path} must hold the lists "mean" and "std".': ("scaler {path}にはmeanとstdの並びが必要です。"),
    "The scaler {path} is for {bins} mel bins, the model has {wanted}.": (
        "scaler {path}のメルビン数は{bins}ですが、モデルは{wanted}です。"
    ),
    "Cannot read the scaler {path}: {reason}.": ("scaler {path}を読み込めません（{reason}）。"),
    "The scaler {path} is not a JSON file.": ("scaler {path}はJSONファイルではありません。"),
    "The scaler's {name} is not a list of numbers.": ("scalerの{name}が数の並びではありません。"),
    "The acoustic model's output_stride is 8, 16 or 32, and its input_pool 1, 2 or 4.": (
        "音響モデルのoutput_strideは8・16・32、input_poolは1・2・4のいずれかです。"
    ),
    "timm has no model called {name!r}.": ("timmに{name!r}というモデルはありません。"),
    "The CNN {name!r} cannot give feature maps: {reason}.": (
        "CNN {name!r}から特徴マップを取り出せません（{reason}）。"
    ),
    "The vocoder needs one upsample_kernel_size for each upsample_rate.": (
        "ボコーダーのupsample_rateとupsample_kernel_sizeの数が合いません。"
    ),
    "The vocoder's upsample kernel {kernel} minus its rate {rate} must be even and not negative.": (
        "ボコーダーのupsampleカーネル{kernel}とrate {rate}の差は0以上の偶数でなければなりません。"
    ),
    "The vocoder's resblock must be '1' or '2', not {given!r}.": (
        "ボコーダーのresblockは'1'か'2'です（{given!r}は不可）。"
    ),
    "The vocoder needs one list of dilations for each resblock kernel size.": (
        "ボコーダーのresblockのカーネルとdilationの数が合いません。"
    ),
    "The vocoder's initial_channel must be divisible by 2 for each upsampling.": (
        "ボコーダーのinitial_channelはアップサンプリングの回数だけ2で割り切れなければなりません。"
    ),
    "The vocoder's layout is one of {layouts}, not {given!r}.": (
        "ボコーダーのlayoutは{layouts}のいずれかです（{given!r}は不可）。"
    ),
    "This vocoder has the thesis' layout and was converted when that was misread (up to 44 % off): "
    "convert its checkpoints again.": (
        "このボコーダーは卒論の構造ですが、その構造を誤って読んでいた頃に変換されたものです（誤差は最大44 %）。"
        "チェックポイントを変換し直してください。"
    ),
    "{path} does not compute what the bundle's weights do: publish or convert the bundle again.": (
        "{path}の計算結果がモデルの重みと一致しません。モデルを公開または変換し直してください。"
    ),
    "{path} is not a graph that can be run ({reason}).": ("{path}は実行できるグラフではありません（{reason}）。"),
    "There is no checkpoint {path}.": ("{path}というチェックポイントはありません。"),
    "{path} holds a {type}, not a dictionary of tensors.": ("{path}の中身は{type}で、テンソルの辞書ではありません。"),
    "{path} holds more than tensors (code or foreign objects), or is damaged, and was not loaded: save "
    "its state_dict alone.": (
        "{path}はテンソル以外のもの（プログラムなど）を含むか壊れているため、読み込みませんでした。"
        "state_dictだけを保存してください。"
    ),
    "{path} is not a PyTorch checkpoint, or is damaged.": (
        "{path}はPyTorchのチェックポイントではないか、壊れています。"
    ),
    "{path} is not a safetensors file that can be read ({reason}).": (
        "{path}はsafetensorsとして読み込めません（{reason}）。"
    ),
    "{source} lacks tensor {names}.": ("{source}にテンソル{names}がありません。"),
    "{source} has the unknown tensor {names}.": ("{source}に余分なテンソル{names}があります。"),
    "{source}: tensor {name} has shape {shape}, the model needs {wanted}.": (
        "{source}：テンソル{name}の形は{shape}ですが、モデルには{wanted}が必要です。"
    ),
    "{source}: tensor {name} holds NaN or infinity.": ("{source}：テンソル{name}にNaNか無限大があります。"),
    "MelSpec.{name} must be a positive whole number, not {given!r}.": (
        "MelSpec.{name}は正の整数です（{given!r}は不可）。"
    ),
    "MelSpec.win_length must not be longer than n_fft.": ("MelSpec.win_lengthはn_fft以下でなければなりません。"),
    "MelSpec.hop_length must not be longer than n_fft.": ("MelSpec.hop_lengthはn_fft以下でなければなりません。"),
    "MelSpec.n_fft minus hop_length must be even.": ("MelSpec.n_fftとhop_lengthの差は偶数でなければなりません。"),
    "MelSpec.preemphasis must be at least 0 and below 1.": ("MelSpec.preemphasisは0以上1未満でなければなりません。"),
    "MelSpec needs 0 <= fmin < fmax <= Nyquist ({nyquist} Hz).": (
        "MelSpecは0 <= fmin < fmax <= ナイキスト周波数（{nyquist} Hz）を満たさなければなりません。"
    ),
    "MelSpec.layout is 'centred' or 'thesis', not {given!r}.": (
        "MelSpec.layoutは'centred'か'thesis'です（{given!r}は不可）。"
    ),
    "FrameSpec.size must be a multiple of 32 from 32 to 1024, not {given!r}.": (
        "FrameSpec.sizeは32から1024までの32の倍数です（{given!r}は不可）。"
    ),
    # ---- regions, hiding ----
    "Nothing is hidden yet: choose a region or draw one.": ("まだ何も隠していません。領域を選ぶか描いてください。"),
    "A region is hidden by {known}, not {given!r}.": ("領域の隠し方は{known}です（{given!r}は不可）。"),
    "Choose what to export, of: {kinds}.": ("書き出すものを{kinds}から選んでください。"),
    "Choose one band or more to export.": ("書き出す帯域を1つ以上選んでください。"),
    "There is no band {name} in this analysis: it has {bands}.": (
        "この解析には帯域{name}がありません。あるのは{bands}です。"
    ),
    "The heatmaps of {count} frames would take more than {size:g} GiB: choose a stretch or fewer bands.": (
        "{count}フレーム分のヒートマップは{size:g} GiBを超えます。区間を選ぶか、帯域を減らしてください。"
    ),
    "This clip has no labels: there is no TextGrid of its name beside it.": (
        "この動画にはラベルがありません（同じ名前のTextGridが動画の横にありません）。"
    ),
    "The file {name} is no longer there: open the clip again.": (
        "ファイル{name}はもうありません。動画を開き直してください。"
    ),
    "The sound of a video is one of {sounds}, not {sound!r}.": (
        "動画の音声は{sounds}のいずれかです（{sound!r}は不可）。"
    ),
    "This clip has no original speech: choose the synthesised speech or none.": (
        "この動画には元の音声がありません。合成音声か「なし」を選んでください。"
    ),
    "Videos and figures are in {languages}, not {language!r}.": (
        "動画と図の言語は{languages}です（{language!r}は不可）。"
    ),
    "A spectrogram figure needs spectrograms and energies of the same frames.": (
        "スペクトログラムの図には、同じフレームのスペクトログラムとエネルギーが必要です。"
    ),
    "{name} has no labels from {start:.3f} to {end:.3f} s.": (
        "{name}には{start:.3f}〜{end:.3f}秒のラベルがありません。"
    ),
    "{path} is not a TextGrid.": ("{path}はTextGridではありません。"),
    "There is no stretch from frame {first} to {last}: the clip has frames 0 to {end}.": (
        "フレーム{first}から{last}までの区間はありません。動画はフレーム0から{end}までです。"
    ),
    "The region lies outside the picture: move it back, or make it larger.": (
        "領域が画像の外にあります。中に戻すか、大きくしてください。"
    ),
    "The drawing cannot be read: choose the region again.": ("描いた領域を読み取れません。もう一度選んでください。"),
    "There is no region called {name!r}: give one of {names}, or a JSON file.": (
        "{name!r}という領域はありません。{names}のいずれかか、JSONファイルを指定してください。"
    ),
    "{path} is larger than {most:,} bytes: that is not a file of regions.": (
        "{path}は{most:,}バイトを超えていて、領域のファイルとは考えられません。"
    ),
    '{path} must hold an object with a list called "regions".': ('{path}には"regions"という並びが必要です。'),
    "{path} holds {count} regions: give 1 to {most}.": (
        "{path}の領域は{count}個です。1個から{most}個までにしてください。"
    ),
    'Each region in {path} needs a "name" and a "polygon", a list of [x, y] points.': (
        '{path}の各領域には"name"と、[x, y]の並びの"polygon"が必要です。'
    ),
    "A region's name is 1 to 40 letters, digits, '.', '_' or '-', not {name!r}.": (
        "領域の名前は文字・数字・「.」「_」「-」で1文字から40文字です（{name!r}は不可）。"
    ),
    "Region {name} has {count} points: a polygon needs 3 to {most:,}.": (
        "領域{name}の点は{count}個です。多角形には3個から{most:,}個の点が必要です。"
    ),
    "Region {name} has a point that is not finite: give x and y from 0 to 1.": (
        "領域{name}に有限でない点があります。xとyは0から1で指定してください。"
    ),
    "Region {name} encloses no area: its points lie on one line.": (
        "領域{name}の点が一直線上にあり、面積がありません。"
    ),
    "A region can only be scaled by a number above 0, not {factor!r}.": (
        "領域の倍率は0より大きい数です（{factor!r}は不可）。"
    ),
    "Cannot read {path}: {reason}.": ("{path}を読み込めません（{reason}）。"),
    "{path} is not a JSON file of regions.": ("{path}は領域のJSONファイルではありません。"),
    "{path} has more than one region called {name}: give each its own name.": (
        "{path}に{name}という領域が複数あります。別々の名前を付けてください。"
    ),
    "This bundle's maps have {known} cells along a side, not {given}.": (
        "このバンドルのマップの一辺のセル数は{known}です（{given}は不可）。"
    ),
    "Only maps of a band's energy can be judged, not those of its frequency, of a box, or of the spectrum's tilt.": (
        "検証できるのは帯域エネルギーのマップだけです（周波数、枠、スペクトル傾斜のマップは検証できません）。"
    ),
    "The box {name} is reversed or empty: give its beginning before its end, as in a:900-2500@0.4-0.6.": (
        "枠{name}の始まりと終わりが逆か、長さがありません。a:900-2500@0.4-0.6のように、始まりを先に指定してください。"
    ),
    "The box {name} begins after the clip's end: it lasts {seconds:.2f} s.": (
        "枠{name}は動画の終わりより後にあります。動画の長さは{seconds:.2f}秒です。"
    ),
    "Drag a rectangle on a spectrogram, with Alt held down.": (
        "Altを押しながら、スペクトログラムの上で四角形をドラッグしてください。"
    ),
    "This clip is analysed in chunks; a box needs the whole clip: cut it first.": (
        "長い動画は分割して開くため、動画全体を使う枠の説明はできません。先に切り出してください。"
    ),
    "Give a band, not a box or a formant to follow: every frame of the clip is asked where its sound came from.": (
        "枠やフォルマント追従ではなく帯域を指定してください。動画の各フレームについて、音がどこから来たかを調べます。"
    ),
    "How far in time a sound came from is told of bands that stay where they are: add one under Bands.": (
        "音がどれだけ前後の画像から来たかは、固定の帯域について調べます。「帯域」で追加してください。"
    ),
    "The clip has {count} frames, and each would be compared with each: cut it to {most} or fewer.": (
        "動画は{count}フレームあり、全フレームの組を比べることになります。{most}フレーム以下に切り出してください。"
    ),
    "The contrast {name} needs two different stretches, as in a:900-2500@0.4-0.5~0.8-0.9.": (
        "対比{name}には異なる2つの区間が必要です。a:900-2500@0.4-0.5~0.8-0.9のように指定してください。"
    ),
    "The contrast {name} compares a frame with itself: choose two moments.": (
        "対比{name}は同じフレームどうしの比較です。2つの時点を選んでください。"
    ),
    "There are {most} bands already: take one away under Bands, then ask.": (
        "帯域がすでに{most}個あります。「帯域…」で1つ減らしてから、もう一度指定してください。"
    ),
    "Nobody speaks in the box {name}: there is nothing to explain.": "枠{name}は無音なので、説明の対象がありません。",
    "Only maps of the objective frame can be judged: each explains the energy of its own frame.": (
        "検証できるのは目的がframeのマップだけです。このマップは各フレーム自身のエネルギーを説明するものです。"
    ),
    "There is no region to account for: give at least one.": ("領域がありません。1つ以上指定してください。"),
    "The mask of {name} is {shape}: one picture for each of the {count} frames is needed, all of one size.": (
        "{name}のマスクの大きさは{shape}です。{count}フレームそれぞれに同じ大きさの画像が1枚ずつ必要です。"
    ),
    "Region {name!r} in {path} has a point that is not [x, y]: {point}.": (
        "{path}の領域{name!r}に[x, y]でない点{point}があります。"
    ),
    "Region {name!r} in {path} has the point {point} outside the picture: x and y are shares of its "
    "width and height, from 0 to 1.": (
        "{path}の領域{name!r}の点{point}が画像の外にあります。xとyは幅と高さに対する0から1の割合です。"
    ),
    "The strength of the mask must be from 0 (no change) to 1 (all of it), not {given!r}.": (
        "隠す強さは0（変化なし）から1（完全に隠す）までです（{given!r}は不可）。"
    ),
    "Hiding a region needs uint8 frames (T, H, W) and a mask of their size; got {dtype} {shape} and {mask}.": (
        "領域を隠すにはuint8のフレーム(T, H, W)と同じ大きさのマスクが必要です（{dtype} {shape}と{mask}"
        "が渡されました）。"
    ),
    # ---- comparing, measuring ----
    "The original speech is silent: there is nothing to compare with.": ("元の音声が無音のため、比べられません。"),
    "The reference is silent: there is nothing to compare with.": ("元の音声が無音のため、比べられません。"),
    "{clip} has no sound to compare with: give clips with reference audio.": (
        "{clip}には比べるための音声がありません。元の音声のある動画にしてください。"
    ),
    "The mels have different bins: {one} and {other}.": ("メルのビン数が異なります（{one}と{other}）。"),
    "The reference lasts {one:.2f} s and the candidate {other:.2f} s, more than {tolerance:g} s apart: "
    "compare recordings of the same clip.": (
        "元の音声は{one:.2f}秒、比べる音声は{other:.2f}秒で、{tolerance:g}秒以上違います。"
        "同じ動画の音声どうしを比べてください。"
    ),
    "The cepstral order must be from 1 to {most}, not {given!r}.": (
        "ケプストラムの次数は1から{most}までです（{given!r}は不可）。"
    ),
    "A dB mel must be (frames, bins) of finite numbers; this one has shape {shape}.": (
        "dBメルは有限の数の（フレーム, ビン）です（形は{shape}でした）。"
    ),
    "A waveform must be mono, of finite numbers; this one has shape {shape}.": (
        "波形は有限の数の1チャンネルです（形は{shape}でした）。"
    ),
    "The sample rate must be above 0, not {rate!r}.": ("標本化周波数は0より大きい数です（{rate!r}は不可）。"),
    "An F0 contour must be a list of frequencies above 0 Hz, with NaN where unvoiced.": (
        "F0は0 Hzより大きい周波数の並びで、無声部はNaNです。"
    ),
    "Reference and candidate differ in shape: {one} and {other}.": (
        "元の音声と比べる音声の形が異なります（{one}と{other}）。"
    ),
    "Band {name} holds no mel bin, or one outside 0 to {most}.": (
        "帯域{name}にメルビンがないか、0から{most}の外にあります。"
    ),
    "The pitch floor ({low:g} Hz) must lie between 0 and the ceiling ({high:g} Hz).": (
        "ピッチの下限（{low:g} Hz）は0と上限（{high:g} Hz）の間でなければなりません。"
    ),
    "The formant ceiling ({hz:g} Hz) must lie between 0 and half the sample rate ({most:g} Hz).": (
        "フォルマントの上限（{hz:g} Hz）は0と標本化周波数の半分（{most:g} Hz）の間でなければなりません。"
    ),
    "A vowel reference needs at least one vowel with its F1 and F2.": (
        "母音の基準にはF1とF2を持つ母音が1つ以上必要です。"
    ),
    "Measurement times must be a list of finite numbers, in seconds.": ("測定時刻は秒を単位とする有限の数の並びです。"),
    "A waveform to measure must be mono and hold finite numbers only.": ("測定する波形は有限の数の1チャンネルです。"),
    "The sound lasts {seconds:.3f} s, too short to measure: give more than {least:.3f} s.": (
        "音声が{seconds:.3f}秒と短く、測定できません。{least:.3f}秒より長くしてください。"
    ),
    # ---- pictures and videos ----
    "The opacity alpha must be from 0 to 1, not {given:g}.": ("不透明度は0から1までです（{given:g}は不可）。"),
    "There is no colour map called {name!r}: use orange, blue or a name of matplotlib, such as inferno.": (
        "{name!r}というカラーマップはありません。orange、blue、またはinfernoなどmatplotlibの名前を使ってください。"
    ),
    "The frame rate of a video must be above 0 and at most 1000, not {fps:g}.": (
        "動画のフレームレートは0より大きく1000以下です（{fps:g}は不可）。"
    ),
    "H.264 needs even sides: {even_width}x{even_height} would do instead of {width}x{height}.": (
        "H.264では辺の画素数は偶数です。{width}x{height}の代わりに{even_width}x{even_height}にしてください。"
    ),
    "There is no frame to write.": ("書き出すフレームがありません。"),
    "The size of a video must be {least} to {most} pixels a side, not {width}x{height}.": (
        "動画の一辺は{least}から{most}画素です（{width}x{height}は不可）。"
    ),
    "There is no frame {frame}: the clip has frames 0 to {last}.": (
        "フレーム{frame}はありません。動画はフレーム0から{last}までです。"
    ),
    "Two bands are combined by {known}, not {given!r}.": ("2帯域の重ね方は{known}です（{given!r}は不可）。"),
    "The resolution of a figure must be 30 to 1200 dpi, not {dpi}.": (
        "図の解像度は30から1200 dpiです（{dpi}は不可）。"
    ),
    "{path} has no interval tier called {tier!r}.": ("{path}に{tier!r}という区間の層がありません。"),
    "Give one colour map for each band: {wanted}, not {given}.": (
        "カラーマップは帯域ごとに1つ、{wanted}個必要です（{given}個は不可）。"
    ),
    "A grid is enlarged by {known}, not {given!r}.": ("格子の拡大は{known}のいずれかです（{given!r}は不可）。"),
    "The grids must have the shape (frames, rows, columns), not {shape}.": (
        "格子の形は（フレーム, 行, 列）です（{shape}は不可）。"
    ),
    "Frames must be gray, 8-bit (frames, rows, columns), not {dtype} {shape}.": (
        "フレームは8ビットの濃淡画像（フレーム, 行, 列）です（{dtype} {shape}は不可）。"
    ),
    "There is no frame to show: the clip or the stretch is empty.": (
        "表示するフレームがありません。動画か区間が空です。"
    ),
    "A picture shows the heatmaps of one to four bands, not {count}.": (
        "1つの画像に重ねられるのは1〜4帯域です（{count}帯域は不可）。"
    ),
    "The heatmaps differ in shape: use those made from the same clip.": (
        "ヒートマップの形が異なります。同じ動画から作ったものにしてください。"
    ),
    "{label}: the heatmap of frame {frame} holds values that are not numbers or not finite.": (
        "{label}：フレーム{frame}のヒートマップに有限でない値があります。"
    ),
    "{label}: the heatmap of frame {frame} goes from {low:g} to {high:g}; it must lie within 0 to 1.": (
        "{label}：フレーム{frame}のヒートマップの値は{low:g}から{high:g}ですが、0から1でなければなりません。"
    ),
    "{label}: a heatmap sequence is (frames, rows, columns), not {shape}.": (
        "{label}：ヒートマップの形は（フレーム, 行, 列）です（{shape}は不可）。"
    ),
    "{label}: the heatmap has {count} frames but the video has {wanted}; use the heatmap made from this "
    "very clip, one map per frame.": (
        "{label}：ヒートマップは{count}フレーム、動画は{wanted}フレームです。"
        "この動画から作ったヒートマップを使ってください。"
    ),
    "The layout is {known}, not {given!r}.": ("配置は{known}です（{given!r}は不可）。"),
    "The audio needs its sample rate, above 0 Hz, not {rate}.": (
        "音声には0 Hzより大きい標本化周波数が必要です（{rate}は不可）。"
    ),
    "The audio must be one channel of finite samples.": ("音声は有限の数の1チャンネルでなければなりません。"),
    "A heatmap sequence has the shape (frames, rows, columns), not {shape}.": (
        "ヒートマップの形は（フレーム, 行, 列）です（{shape}は不可）。"
    ),
    "The frame rate must be above 0, not {fps:g}.": ("フレームレートは0より大きい数です（{fps:g}は不可）。"),
    "Give two times in seconds, the earlier first, from 0 on; not {first:g} to {last:g}.": (
        "時刻は0以上の秒で、早い方を先に2つ指定してください（{first:g}から{last:g}は不可）。"
    ),
    "The sequence lasts {seconds:.3f} s ({frames} frames): no cut at {at:g} s.": (
        "ヒートマップの長さは{seconds:.3f}秒（{frames}フレーム）で、{at:g}秒では切れません。"
    ),
    "No frame lies between {first:g} and {last:g} s: a frame lasts {seconds:.3f} s.": (
        "{first:g}秒から{last:g}秒の間にフレームがありません（1フレームは{seconds:.3f}秒）。"
    ),
    "The heatmap sequence is empty: there is no frame to show.": ("ヒートマップが空で、表示するフレームがありません。"),
    "Each frame is shown a whole number of times, at least once, not {given:g}.": (
        "各フレームを繰り返す回数は1以上の整数です（{given:g}は不可）。"
    ),
    "The heatmap has {count} frames; from frame {start} they do not fit into the clip's {frames}.": (
        "ヒートマップは{count}フレームで、フレーム{start}から始めると動画の{frames}フレームに収まりません。"
    ),
    "Slow motion takes a factor from 1 to {most}, not {given:g}.": (
        "スローの倍率は1から{most}までです（{given:g}は不可）。"
    ),
    "The audio cannot be slowed down; ffmpeg says: {reason}.": ("音声を遅くできません（ffmpeg：{reason}）。"),
}


def in_language(error: InputError, language: str) -> str:
    """The message in "ja" where its template is known; else as it is."""
    japanese = JAPANESE.get(error.template)
    if language != "ja" or japanese is None:
        return str(error)
    return japanese.format(**{name: _told(value) for name, value in error.values.items()})


def _told(value: object) -> object:
    return in_language(value, "ja") if isinstance(value, InputError) else value
