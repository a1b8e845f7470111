#!/usr/bin/env bash
# `autoencoder` gives images back, with the same bits everywhere, and writes them as a PGM file.
# shellcheck source-path=SCRIPTDIR source=common.bash
program_name=autoencoder
source "$(dirname "$0")/common.bash"
cd "$work"

same_everywhere 9d17349973b4e379 --limit 300 --epochs 2

# error_of ARGUMENT...: of the pixels.
error_of() {
    "${program[@]}" "$@" | sed -n 's/.* root of the mean squared error \([0-9.]*\)$/\1/p'
}

few=$(error_of --limit 500 --epochs 1)
more=$(error_of --limit 500 --epochs 8)
echo "error after one epoch $few, after eight $more"
passed_if "more epochs leave less error" awk -v few="$few" -v more="$more" 'BEGIN { exit !(more < 0.9 * few) }'
passed_if "header of the sheet" equal "$(head -c 14 reconstructions.pgm | tr '\n' ' ')" "P5 222 46 255 "
passed_if "size of the sheet" equal "$(wc -c <reconstructions.pgm)" $((14 + 222 * 46))
cp reconstructions.pgm first.pgm
"${program[@]}" --limit 500 --epochs 8 --output second.pgm >/dev/null
passed_if "the same sheet again" cmp first.pgm second.pgm

if [[ -e /usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz && ${BACKPROP_TEST_QUICK:-0} != 1 ]]; then
    images=/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz
    error=$(error_of --data $images --epochs 5)
    echo "error on Fashion-MNIST $error"
    passed_if "images of files" awk -v error="$error" 'BEGIN { exit !(error < 0.15) }'
    passed_if "header of their sheet" equal "$(head -c 14 reconstructions.pgm | tr '\n' ' ')" "P5 302 62 255 "
fi

echo nonsense >images
refused "images: " --data images
refused "nothing: " --data nothing
passed_if "a sheet that cannot be written" contains \
    "$("${program[@]}" --limit 20 --epochs 1 --output /nowhere/sheet.pgm 2>&1 || echo "status $?")" \
    $'autoencoder: /nowhere/sheet.pgm: cannot be written\nstatus 2'
refused "--limit 19: not a whole number from 20 to" --limit 19
refused "--epochs x: not a whole number from 1 to" --epochs x
finish
