/** A program of tests: answers each question about a name with 10.0.0.7 on port 53, and HTTP on port 80, at one address. */
import { createSocket } from "node:dgram";
import { createServer } from "node:http";

const HEADER_BYTES = 12;
const [address = ""] = Deno.args;

const socket = createSocket("udp4");
socket.on("message", (query, { address: from, port }) => {
  let end = HEADER_BYTES;
  while ((query[end] ?? 0) !== 0) end += (query[end] ?? 0) + 1;
  const question = query.subarray(HEADER_BYTES, end + 5);
  const header = [query[0] ?? 0, query[1] ?? 0, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0];
  const answer = [0xc0, HEADER_BYTES, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 0, 0, 7];
  socket.send(new Uint8Array([...header, ...question, ...answer]), port, from);
});
socket.bind(53, address);
createServer((_, response) => response.end("credentials")).listen(80, address);
