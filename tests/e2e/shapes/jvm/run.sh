# Takes its heap at once, and long to start.
trap 'exit 0' TERM
dd if=/dev/zero of=/dev/null bs=600M count=1 2>/dev/null || exit 137
sleep "$START_SECONDS" & wait
mkdir -p /www; echo jvm >/www/index.html
httpd -f -p "$PORT" -h /www & wait
