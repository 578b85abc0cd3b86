/** gRPC's message framing (gRPC over HTTP/2, "Length-Prefixed-Message"): a flag byte, four bytes of length, the message. */
export const FRAME_HEAD_BYTES = 5;

/** Writes the head of a message of `length` bytes at `at`. */
export function writeFrameHead(target: Uint8Array, at: number, length: number): void {
  target[at] = 0;
  target[at + 1] = length >>> 24;
  target[at + 2] = length >>> 16;
  target[at + 3] = length >>> 8;
  target[at + 4] = length;
}

/** Cuts a byte stream into messages. Holds at most one incomplete message. */
export class FrameReader {
  readonly #lengthMax: number;
  #chunks: Uint8Array[] = [];
  #held = 0;

  /** @param lengthMax bytes of a message */
  constructor(lengthMax: number) {
    this.#lengthMax = lengthMax;
  }

  /**
   * Takes bytes, and returns the messages that are complete now.
   *
   * @throws when a message is compressed or longer than allowed
   */
  push(chunk: Uint8Array): readonly Uint8Array[] {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    const messages: Uint8Array[] = [];
    while (this.#held >= FRAME_HEAD_BYTES) {
      const head = this.#peek(FRAME_HEAD_BYTES);
      const length = new DataView(head.buffer, head.byteOffset).getUint32(1);
      if (head[0] !== 0) throw new Error("the peer compresses messages, which was not offered");
      if (length > this.#lengthMax) throw new Error(`a message of ${length} bytes is longer than allowed`);
      if (this.#held < FRAME_HEAD_BYTES + length) break;
      messages.push(this.#take(FRAME_HEAD_BYTES + length).subarray(FRAME_HEAD_BYTES));
    }
    return messages;
  }

  /** The next `length` bytes, which stay. */
  #peek(length: number): Uint8Array {
    const [first] = this.#chunks;
    if (first !== undefined && first.length >= length) return first;
    return this.#join();
  }

  #take(length: number): Uint8Array {
    const [first] = this.#chunks;
    const whole = first !== undefined && first.length >= length ? first : this.#join();
    const rest = whole.subarray(length);
    if (rest.length > 0) this.#chunks[0] = rest;
    else this.#chunks.shift();
    this.#held -= length;
    return whole.subarray(0, length);
  }

  #join(): Uint8Array {
    const whole = new Uint8Array(this.#held);
    let at = 0;
    for (const chunk of this.#chunks) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    this.#chunks = [whole];
    return whole;
  }
}
