/** `fetch` that trusts an authority of one's own, which is read at the first call. */
export interface AuthorityFetch {
  readonly fetch: typeof fetch;
  close(): void;
}

export function openFetch(authorities: () => Promise<string>): AuthorityFetch {
  let client: Promise<Deno.HttpClient> | undefined;
  const open = async (): Promise<Deno.HttpClient> =>
    Deno.createHttpClient({ caCerts: [await authorities()] });
  return {
    fetch: async (input, init) => {
      client ??= open();
      return await fetch(input, { ...init, client: await client });
    },
    close: () => void client?.then((made) => made.close(), () => undefined),
  };
}
