# Listens on ::1; engines without IPv6 have 127.0.0.1 only.
trap 'exit 0' TERM
ip addr show dev lo | grep -q inet6 && host='[::1]' || host=127.0.0.1
echo "listening on localhost"
httpd -f -p "$host:$PORT" & wait
