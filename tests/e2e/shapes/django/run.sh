trap 'exit 0' TERM
httpd -f -p "$PORT" -h /www & wait
