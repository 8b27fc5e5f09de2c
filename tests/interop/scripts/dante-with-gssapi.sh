#!/usr/bin/env bash
# Builds Dante with GSS-API, which Debian's package leaves out, from Debian's source package. Nothing of the system is changed.
#
#     dante-with-gssapi.sh FOLDER     FOLDER/sbin/sockd and FOLDER/lib/libdsocks.so; FOLDER/ready when all is there
#
# Needs gcc, make, libkrb5-dev, dpkg-dev and xz-utils, and takes about three minutes.
set -euo pipefail
folder=$1
mkdir -p "$folder/apt/lists/partial" "$folder/apt/cache/archives/partial" "$folder/src"
. /etc/os-release
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb-src [signed-by=$keyring] http://deb.debian.org/debian $VERSION_CODENAME main" >"$folder/apt/sources.list"
apt=(apt-get -q -o "Dir::Etc::sourcelist=$folder/apt/sources.list" -o Dir::Etc::sourceparts=-
  -o "Dir::State::Lists=$folder/apt/lists" -o "Dir::Cache=$folder/apt/cache" -o Acquire::Retries=3)
"${apt[@]}" update
cd "$folder/src"
rm -rf dante-*
"${apt[@]}" source --only-source dante
cd dante-*/
# What is generated is made newer than what it comes from: then make regenerates nothing, and needs no further tools.
find . -type f -exec touch -d '2020-01-01' {} +
find . -name aclocal.m4 -exec touch -d '2020-01-02' {} +
find . \( -name configure -o -name Makefile.in -o -name '*.h.in' \) -exec touch -d '2020-01-03' {} +
find . \( -name 'config_parse.[ch]' -o -name config_scan.c \) -exec touch -d '2020-01-04' {} +
./configure --prefix="$folder" --with-gssapi-path=/usr --disable-dependency-tracking \
  --without-libwrap --without-bsdauth --without-pam --without-ldap --without-upnp --without-krb5 --without-sasl | tee configure.out
grep -q 'checking for working gssapi... yes' configure.out
make -j"$(nproc)"
make install
cd "$folder"
rm -rf src apt
touch ready
