#!/bin/sh
# Lets the caller's key log in as `box`, and shows the caller's host key.
#
# It starts as root, because Dropbear changes to the user of each session. So `box` cannot read the host key.
set -eu

secrets=/run/dynamic-access
install -d -m 0700 -o box -g box /home/box/.ssh
install -m 0600 -o box -g box "$secrets/authorized-keys" /home/box/.ssh/authorized_keys
dropbearconvert openssh dropbear "$secrets/host-key" /etc/dropbear-host-key

# It stays in the foreground, logs to its standard error, and admits neither passwords nor root.
exec dropbear -F -E -s -w -p 2222 -r /etc/dropbear-host-key
