#!/bin/sh
# One connection: sends "hello", and "got it" for each frame of five bytes.
key=
while IFS= read -r line; do
  line=${line%?}
  [ -n "$line" ] || break
  case $line in [Ss]ec-[Ww]eb[Ss]ocket-[Kk]ey:*) key=${line#*: } ;; esac
done
[ -n "$key" ] || { printf 'HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'; exit; }
accept=$(printf '%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11' "$key" | sha1sum | cut -d' ' -f1 | xxd -r -p | base64)
printf 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
printf 'Sec-WebSocket-Accept: %s\r\n\r\n' "$accept"
printf '\201\005hello'
# A frame of a client has two bytes of head and four of mask.
while [ "$(head -c 11 | wc -c)" = 11 ]; do printf '\201\006got it'; done
