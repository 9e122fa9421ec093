#!/bin/sh
# Makes the certificates of the tests anew (they are valid for a hundred years): sh test/support/certificates/make.sh
# They are for tests alone: the keys are public.
set -eu
cd "$(dirname "$0")"
days=36500
key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key.pem"; }
leaf() { # name, subjectAltName (or nothing)
  key "$1"
  openssl req -new -key "$1.key.pem" -subj "/CN=$1" -out "$1.csr"
  { echo 'basicConstraints=CA:FALSE'; [ -z "$2" ] || echo "subjectAltName=$2"; } > "$1.ext"
  openssl x509 -req -in "$1.csr" -CA authority.pem -CAkey authority.key.pem -CAcreateserial -days $days -extfile "$1.ext" -out "$1.pem"
  rm -f "$1.csr" "$1.ext"
}
key authority
openssl req -x509 -new -key authority.key.pem -subj '/CN=Offhook test authority' -days $days -out authority.pem
leaf local 'IP:127.0.0.1,IP:::1,DNS:localhost'
leaf example 'DNS:example.com'
leaf domain 'URI:sip:domain.example,DNS:host.example'
leaf wildcard 'DNS:*.wild.example'
rm -f authority.key.pem authority.srl
