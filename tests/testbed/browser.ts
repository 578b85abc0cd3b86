/** A real Chromium for the pages of the dashboard, which counts everything that it must not do. */
import axe from "axe-core";
import assert from "node:assert/strict";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

const PATHS = ["/usr/bin/chromium", "/usr/bin/chromium-browser"];
const STEP_MS_MAX = 45_000;

/** The browser's program; `undefined` where there is none (`dev/parts/chromium.sh` installs it). */
export function findChromium(): string | undefined {
  return PATHS.find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}

/** A folder of pictures for a person to look at; none are taken without it. */
const PICTURES = Deno.env.get("UNKEY_TEST_PICTURES");

/** Looks at the page as a person does, and as axe does: light, dark, and on a narrow screen. */
export async function look(page: Page, name: string): Promise<void> {
  for (const [scheme, width] of [["light", 1280], ["dark", 1280], ["light", 320]] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize({ width, height: 900 });
    await assertAccessible(page, `${name}, ${scheme}, ${width} pixels`);
    const wide = await page.evaluate("document.documentElement.scrollWidth");
    assert.ok(Number(wide) <= width, `${name} is ${wide} pixels wide on ${width}`);
    if (PICTURES === undefined) continue;
    const path = `${PICTURES}/${name.replaceAll(" ", "-")}-${scheme}-${width}.png`;
    await page.screenshot({ path, fullPage: true });
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 1280, height: 900 });
}

/** Ways in which a page can look: of a screen, and of the user's wish. */
export interface Look {
  readonly width?: number;
  readonly height?: number;
  readonly scheme?: "light" | "dark";
}

/** A browser without anything stored. */
export class TestBrowser implements AsyncDisposable {
  readonly #browser: Browser;
  /** Violations of the content policy, and errors of scripts. */
  readonly problems: string[] = [];
  /** Origins that something was requested from. */
  readonly origins = new Set<string>();

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async start(executablePath: string): Promise<TestBrowser> {
    return new TestBrowser(
      await chromium.launch({
        executablePath,
        // Its own sandbox wants a user that is not root; the pages are ours.
        args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        timeout: STEP_MS_MAX,
      }),
    );
  }

  /** A context with cookies of its own. */
  async open({ width = 1280, height = 900, scheme = "light" }: Look = {}): Promise<Page> {
    const context = await this.#browser.newContext({ viewport: { width, height }, colorScheme: scheme });
    context.setDefaultTimeout(STEP_MS_MAX);
    await this.#watch(context);
    return await context.newPage();
  }

  async #watch(context: BrowserContext): Promise<void> {
    await context.exposeFunction("reportViolation", (text: string) => void this.problems.push(text));
    await context.addInitScript(`document.addEventListener("securitypolicyviolation", (event) =>
      reportViolation(event.violatedDirective + " " + event.blockedURI + " " + event.sourceFile))`);
    context.on("weberror", (error) => this.problems.push(error.error().message));
    context.on("request", (request) => this.origins.add(new URL(request.url()).origin));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
  }
}

/** Asserts that axe finds nothing on the page as it is shown. */
export async function assertAccessible(page: Page, name: string): Promise<void> {
  // The page's own policy lets no script in; that of the test comes by the debugger, which no policy holds.
  const found: unknown = await page.evaluate(`(async () => {
    ${axe.source}
    const { violations } = await globalThis.axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    });
    return violations.map(({ id, nodes }) => id + ": " + nodes.map((node) => node.html.slice(0, 160)).join(" | "));
  })()`);
  assert.deepEqual(found, [], `axe on ${name}`);
}
