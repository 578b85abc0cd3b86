/** Blocks of output of several deployments, without their bodies, in one order: that of their ends, newest first. */
import type { CtrlDatabase } from "../database.ts";

/** Old output may come from a replica: it does not change any more. */
export type Reads = Pick<CtrlDatabase, "read">;

/** The key of a block, which is also its place in the order. */
export interface BlockPlace {
  readonly timeNs: string;
  readonly deploymentId: string;
  readonly region: string;
  readonly instance: string;
  readonly ordinal: number;
}

export interface BlockHead extends BlockPlace {
  readonly firstTimeNs: string;
  readonly sizeBytes: number;
}

/** A part of the output. */
export interface HeadQuery {
  readonly deploymentIds: readonly string[];
  /** Only blocks with lines of this time or later, and of an earlier one than `until`; as `LogLine.timeNs`. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly region?: string | undefined;
  /** The first block; `undefined` for the newest. */
  readonly from?: BlockPlace | undefined;
}

const PAGE = 500;

/** Yields the heads; of the deployments only those are read that have output of the time. */
export async function* headsOf(db: Reads, query: HeadQuery): AsyncGenerator<BlockHead> {
  const open = (await endsOf(db, query)).map((end) => new Source(db, query, end));
  for (;;) {
    const next = open.reduce<Source | undefined>(
      (best, each) => best === undefined || compareBlocks(each.place, best.place) < 0 ? each : best,
      undefined,
    );
    if (next === undefined) return;
    const head = await next.take();
    if (head !== undefined) yield head;
    if (next.isOver) open.splice(open.indexOf(next), 1);
  }
}

/** Newest first; blocks with the same end by their keys. */
export function compareBlocks(a: BlockPlace, b: BlockPlace): number {
  return order(b.timeNs, a.timeNs) || order(b.deploymentId, a.deploymentId) || order(b.region, a.region) ||
    order(b.instance, a.instance) || b.ordinal - a.ordinal;
}

/** The end of the newest block of each deployment. Index on deployment and time. */
async function endsOf(db: Reads, query: HeadQuery): Promise<BlockPlace[]> {
  if (query.deploymentIds.length === 0) return [];
  const rows = await db.read((reader) =>
    reader.selectFrom("log_blocks").select("deployment_id").select(({ fn }) =>
      fn.max("last_time_ns").as("time")
    )
      .where("deployment_id", "in", [...query.deploymentIds]).groupBy("deployment_id").execute()
  );
  return rows.flatMap(({ deployment_id: deploymentId, time }) => {
    const timeNs = query.from !== undefined && query.from.timeNs < time ? query.from.timeNs : time;
    // Before every block that may end then.
    const place = { timeNs, deploymentId, region: "\uffff", instance: "", ordinal: 0 };
    return query.since !== undefined && time < query.since ? [] : [place];
  });
}

/** The blocks of one deployment, a page at a time. */
class Source {
  /** The next block, or a place before it. */
  place: BlockPlace;
  isOver = false;
  readonly #db: Reads;
  readonly #query: HeadQuery;
  #page: BlockHead[] = [];
  #last: BlockPlace | undefined;
  #isLast = false;

  constructor(db: Reads, query: HeadQuery, place: BlockPlace) {
    this.#db = db;
    this.#query = query;
    this.place = place;
  }

  /** The next block if it is read already; otherwise it is read, and comes in its turn. */
  async take(): Promise<BlockHead | undefined> {
    const head = this.#page.shift();
    if (this.#page.length === 0 && !this.#isLast) await this.#read();
    const [next] = this.#page;
    if (next === undefined) this.isOver = true;
    else this.place = next;
    return head;
  }

  async #read(): Promise<void> {
    const { since, until, region, from } = this.#query;
    const after = this.#last;
    const { deploymentId, timeNs } = this.place;
    const rows = await this.#db.read(async (reader) => {
      let page = reader.selectFrom("log_blocks")
        .select(["region", "instance", "last_time_ns", "last_ordinal", "first_time_ns", "size_bytes"])
        .where("deployment_id", "=", deploymentId).where("last_time_ns", "<=", after?.timeNs ?? timeNs);
      if (since !== undefined) page = page.where("last_time_ns", ">=", since);
      if (until !== undefined) page = page.where("first_time_ns", "<", until);
      if (region !== undefined) page = page.where("region", "=", region);
      if (after !== undefined) {
        page = page.where((eb) =>
          eb.or([
            eb("last_time_ns", "!=", after.timeNs),
            eb("region", "<", after.region),
            eb.and([eb("region", "=", after.region), eb("instance", "<", after.instance)]),
            eb.and([
              eb("region", "=", after.region),
              eb("instance", "=", after.instance),
              eb("last_ordinal", "<", after.ordinal),
            ]),
          ])
        );
      }
      return await page.orderBy("last_time_ns", "desc").orderBy("region", "desc").orderBy("instance", "desc")
        .orderBy("last_ordinal", "desc").limit(PAGE).execute();
    });
    const heads = rows.map((row): BlockHead => ({
      deploymentId,
      timeNs: row.last_time_ns,
      region: row.region,
      instance: row.instance,
      ordinal: row.last_ordinal,
      firstTimeNs: row.first_time_ns,
      sizeBytes: row.size_bytes,
    }));
    this.#last = heads.at(-1);
    this.#isLast = heads.length < PAGE;
    this.#page = heads.filter((head) => from === undefined || compareBlocks(head, from) >= 0);
    // A whole page may end at the same time as the first block.
    if (this.#page.length === 0 && !this.#isLast) await this.#read();
  }
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
