import { join } from "node:path";
import { publicFault } from "../../../../pkg/fault/mod.ts";
import { decodePositions, encodePositions } from "../logs/shipper.ts";
import { type AgentState, readState, writeAtomically } from "./state_file.ts";

/** The agent's folder: `state.json` and `logs.json`. */
export class AgentFiles {
  readonly state: AgentState;
  readonly positions: ReadonlyMap<string, bigint>;
  readonly #directory: string;
  #saved = { state: "", positions: "" };

  private constructor(directory: string, state: AgentState, positions: ReadonlyMap<string, bigint>) {
    this.#directory = directory;
    this.state = state;
    this.positions = positions;
  }

  /**
   * Opens the folder, and creates it when it is missing.
   *
   * @throws `failed_precondition` when it cannot be used
   */
  static async open(directory: string): Promise<AgentFiles> {
    try {
      await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
      const state = await readState(join(directory, "state.json"));
      const text = await readIfThere(join(directory, "logs.json"));
      return new AgentFiles(directory, state, decodePositions(text ?? "{}"));
    } catch (error) {
      const text =
        `The folder "${directory}" cannot be used: choose another one with --state-dir (UNKEY_KRANE_STATE_DIR).`;
      throw publicFault("failed_precondition", text, error);
    }
  }

  /** Writes files with changes since the last call. */
  async save(state: AgentState, positions: ReadonlyMap<string, bigint>): Promise<void> {
    const [stateText, positionsText] = [JSON.stringify(state), encodePositions(positions)];
    if (stateText !== this.#saved.state) {
      await writeAtomically(join(this.#directory, "state.json"), stateText);
      this.#saved.state = stateText;
    }
    if (positionsText !== this.#saved.positions) {
      await writeAtomically(join(this.#directory, "logs.json"), positionsText);
      this.#saved.positions = positionsText;
    }
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
