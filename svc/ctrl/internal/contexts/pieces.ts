import type { ChunksTable } from "../store/mod.ts";

/** Bytes of a pack that are fetched at once. */
export interface Piece {
  readonly packId: string;
  readonly start: number;
  /** Behind the last one; `undefined`: the whole pack. */
  readonly end: number | undefined;
}

/** Another request costs more than so many bytes in between. */
const GAP_BYTES_MAX = 64 << 10;

/** The parts of packs that hold these chunks; neighbours are fetched at once. */
export function piecesOf(places: readonly ChunksTable[]): ReadonlyMap<ChunksTable, Piece> {
  const pieces = new Map<ChunksTable, Piece>();
  const byPlace = places.toSorted((a, b) =>
    a.pack_id === b.pack_id ? a.pack_offset - b.pack_offset : a.pack_id < b.pack_id ? -1 : 1
  );
  let open: ChunksTable[] = [];
  let end = 0;
  const close = (): void => {
    const [first] = open;
    if (first === undefined) return;
    const piece = { packId: first.pack_id, start: first.pack_offset, end };
    for (const place of open) pieces.set(place, piece);
    open = [];
  };
  for (const place of byPlace) {
    const isFar = open[0]?.pack_id !== place.pack_id || place.pack_offset - end > GAP_BYTES_MAX;
    if (isFar) {
      close();
      end = 0;
    }
    open.push(place);
    end = Math.max(end, place.pack_offset + place.stored_bytes);
  }
  close();
  return pieces;
}
