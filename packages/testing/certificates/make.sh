#!/usr/bin/env bash
# Makes the certificates that tests use. They are good for a hundred years and for nothing else: their keys are public.
#
#     packages/testing/certificates/make.sh      needs OpenSSL 3
set -euo pipefail
cd "$(dirname "$0")"

key() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key.pem"; }

# authority NAME SUBJECT
authority() {
  key "$1"
  openssl req -x509 -new -key "$1.key.pem" -out "$1.pem" -subj "$2" -days 36500 \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign
}

# certificate AUTHORITY NAME SUBJECT EXTENSION [OPTION...]
certificate() {
  local authority=$1 name=$2 subject=$3 extension=$4
  shift 4
  key "$name"
  openssl req -new -key "$name.key.pem" -subj "$subject" -multivalue-rdn -out "$name.csr"
  local dates=(-days 36500)
  (($# > 0)) && dates=("$@")
  openssl x509 -req -in "$name.csr" -CA "$authority.pem" -CAkey "$authority.key.pem" -out "$name.pem" \
    -extfile <(echo "$extension") "${dates[@]}"
  rm "$name.csr"
}

authority authority "/CN=tests authority"
authority stranger "/CN=another authority"
certificate authority server "/CN=server" "subjectAltName=DNS:localhost,IP:127.0.0.1"
certificate authority other-server "/CN=other server" "subjectAltName=DNS:other.example,DNS:*.wild.example"
certificate authority alice "/O=tests/CN=alice" "extendedKeyUsage=clientAuth"
certificate authority nameless "/O=tests" "extendedKeyUsage=clientAuth"
certificate authority two-names "/CN=alice/CN=bob" "extendedKeyUsage=clientAuth"
certificate stranger strange-alice "/CN=alice" "extendedKeyUsage=clientAuth"
certificate authority late-alice "/CN=alice" "extendedKeyUsage=clientAuth" -days 0
certificate authority late-server "/CN=server" "subjectAltName=DNS:localhost" -days 0
rm -f *.srl authority.key.pem stranger.key.pem
