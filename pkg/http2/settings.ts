import { CODE, FRAME_BYTES_MAX, type Problem, SETTING, WINDOW_MAX } from "./frames.ts";
import { uint32 } from "./frame_reader.ts";
import { putUint32 } from "./output.ts";

/** Settings of the other side that matter here. */
export interface PeerSettings {
  readonly initialWindow: number | undefined;
  readonly concurrentStreamsMax: number | undefined;
  readonly connectProtocol: boolean | undefined;
}

const ENTRY_BYTES = 6;

/** Reads the payload of a SETTINGS frame. */
export function parseSettings(payload: Uint8Array): PeerSettings | Problem {
  if (payload.length % ENTRY_BYTES !== 0) {
    return { code: CODE.frameSize, text: "a SETTINGS frame of odd size" };
  }
  let initialWindow: number | undefined;
  let concurrentStreamsMax: number | undefined;
  let connectProtocol: boolean | undefined;
  for (let at = 0; at < payload.length; at += ENTRY_BYTES) {
    const id = ((payload[at] ?? 0) << 8) | (payload[at + 1] ?? 0);
    const value = uint32(payload, at + 2);
    if (id === SETTING.enablePush && value > 1) return invalid("ENABLE_PUSH");
    if (id === SETTING.initialWindow) {
      if (value > WINDOW_MAX) return { code: CODE.flowControl, text: "INITIAL_WINDOW_SIZE is too large" };
      initialWindow = value;
    }
    if (id === SETTING.frameBytesMax && (value < FRAME_BYTES_MAX || value > 2 ** 24 - 1)) {
      return invalid("MAX_FRAME_SIZE");
    }
    if (id === SETTING.concurrentStreamsMax) concurrentStreamsMax = value;
    if (id === SETTING.connectProtocol) {
      if (value > 1) return invalid("ENABLE_CONNECT_PROTOCOL");
      connectProtocol = value === 1;
    }
  }
  return { initialWindow, concurrentStreamsMax, connectProtocol };
}

function invalid(name: string): Problem {
  return { code: CODE.protocol, text: `${name} is out of range` };
}

/** The payload of a SETTINGS frame. */
export function settingsPayload(entries: readonly (readonly [id: number, value: number])[]): Uint8Array {
  const bytes = new Uint8Array(entries.length * ENTRY_BYTES);
  for (const [index, [id, value]] of entries.entries()) {
    bytes[index * ENTRY_BYTES + 1] = id;
    putUint32(bytes, index * ENTRY_BYTES + 2, value);
  }
  return bytes;
}
