#!/usr/bin/env bash
# Unpacks the curl of Debian's backports with everything that it needs, without installing anything.
#
#     newer-curl.sh FOLDER     FOLDER/curl runs it; FOLDER/ready when all is there
set -euo pipefail
folder=$1
mkdir -p "$folder/apt/lists/partial" "$folder/apt/cache/archives/partial" "$folder/root"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
for suite in trixie trixie-backports; do
  echo "deb [signed-by=$keyring] http://deb.debian.org/debian $suite main"
done >"$folder/apt/sources.list"
: >"$folder/apt/status"
apt=(apt-get -q -o "Dir::Etc::sourcelist=$folder/apt/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::Lists=$folder/apt/lists"
  -o "Dir::State::status=$folder/apt/status" -o "Dir::Cache=$folder/apt/cache" -o Acquire::Retries=3 -o APT::Sandbox::User=root)
"${apt[@]}" update
"${apt[@]}" --yes --no-install-recommends --download-only -t trixie-backports install curl
for package in "$folder"/apt/cache/archives/*.deb; do dpkg -x "$package" "$folder/root"; done
loader=$(find "$folder/root" -name 'ld-linux-*.so*' | head -n 1)
libraries=$(dirname "$(find "$folder/root" -name 'libcurl.so.4' | head -n 1)")
printf '#!/bin/sh\nexec %q --library-path %q %q "$@"\n' "$loader" "$libraries" "$folder/root/usr/bin/curl" >"$folder/curl"
chmod +x "$folder/curl"
"$folder/curl" --version
rm -rf "$folder/apt"
touch "$folder/ready"
