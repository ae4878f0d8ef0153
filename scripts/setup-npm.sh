#!/bin/sh
# Puts scripts that run inside the tests' browsers into target/test-tools/<package>: the players of
# tests/players and the accessibility rules of tests/browser. Each package has one version and one
# SHA-512; whatever else arrives is refused. npm only fetches here: nothing of a package is run.
set -eu
cd "$(dirname "$0")/.."
tools=target/test-tools

# package version sha512 files…
fetch() {
    name=$1 version=$2 hash=$3
    shift 3
    stamp=$tools/$name/.version
    if [ "$(cat "$stamp" 2>/dev/null)" = "$version $*" ]; then return; fi
    echo "setup-test: fetching $name $version into $tools/$name"
    rm -rf "${tools:?}/$name"
    mkdir -p "$tools/$name"
    said=$(npm pack --silent --pack-destination "$tools/$name" "$name@$version") || {
        echo "setup-test: npm could not fetch $name $version" >&2
        exit 1
    }
    tarball=$tools/$name/$(echo "$said" | tail -n 1)
    if ! echo "$hash  $tarball" | sha512sum --check --status; then
        rm -f "$tarball"
        echo "setup-test: $name $version is not the one that the tests were written for" >&2
        exit 1
    fi
    for file in "$@"; do
        tar -xzf "$tarball" -C "$tools/$name" --strip-components=1 "package/$file"
    done
    rm "$tarball"
    echo "$version $*" >"$stamp"
}

fetch axe-core 4.14.1 \
    1477dafa598d8d065f273d6af302aa203c02e83131707b7fa648cd41bd3d6b734f8c22a0dab86ee6a6f64b8afbe804b214d36db85a2826965edfb3a0b9d546b5 \
    axe.min.js
fetch hls.js 1.7.4 \
    dc697119d3ef4f6607bd060eb7ec8ecd3fc3122a2bfea255348ca51c0efb9207a805375042a8bbd06c1e7cd11498741e346ca30bc53adbe6ebbaa5bf4e99beb6 \
    dist/hls.min.js
fetch shaka-player 5.2.12 \
    bc4b2e543237fa82e1fb2aa98d77b1419960d97314048d15aea6ad0ee29669c3dac40b9de94a61e6e0a8c143cb85480d1b95ca582a68338975afca98cd61fece \
    dist/shaka-player.compiled-es2021.js
fetch dashjs 5.2.1 \
    6b170998b78909324c2d47d0444ad4241d4a3a253988717e0cc2c173714a7a8c751cf62d1944250ba5e6e4c9babe10544770871cb20f3aac3424322a32d3fe0f \
    dist/modern/umd/dash.all.min.js
fetch video.js 8.24.1 \
    421d96c55ca2c3a044be94bde4a0a864cf30b75d2bda20ef7a66ce8c73dfb55731638411e775954c3425244b88d49e3a628f59c3eeab44321eeb60be27e79d7d \
    dist/video.min.js dist/video-js.min.css
fetch mp4box 2.4.1 \
    d07197ee75e80c85fa14a2d59786b7c2d623065c2ab0ddf1b900b7197ccdb4aa7df055d43a10d2abadb76b3b33f031b9a6d77d657717a1d0e481b74c64e8d6bf \
    dist/mp4box.all.mjs dist/styp-9TIZZDLN.mjs dist/rolldown-runtime-w6R9maHv.mjs
