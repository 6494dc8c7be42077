import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { type Language, type Text, textIn } from '../../dashboards/web/i18n/text.ts';
import type { Role } from '../../model/access.ts';
import { eventually } from '../integration/callers.ts';
import { type DemonstrationService, demonstration } from './demonstration-service.ts';

export const SIZES = [
  { width: 1366, height: 768 },
  { width: 1920, height: 1080 },
  { width: 390, height: 844 },
] as const;

export const launch = (executablePath: string): Promise<Browser> => chromium.launch({ executablePath, args: ['--no-sandbox'] });

type SignedIn = Awaited<ReturnType<BrowserContext['storageState']>>;
const signedIn = new Map<string, Promise<SignedIn>>();

/** Signs in once per role through the API and keeps the cookie, so that attempts stay below what the service allows. */
function stateOf(browser: Browser, service: DemonstrationService, role: Role): Promise<SignedIn> {
  const known = signedIn.get(role);
  if (known !== undefined) return known;
  const made = (async () => {
    const context = await browser.newContext();
    const answer = await context.request.post(`${service.url}/api/v1/session`, { data: service.accounts[role] });
    if (!answer.ok()) throw new Error(`${role} cannot sign in: ${answer.status()}`);
    const state = await context.storageState();
    await context.close();
    return state;
  })();
  signedIn.set(role, made);
  return made;
}

/** Who comes: a role that is signed in already, or somebody who is not (null). */
export interface Who {
  readonly role: Role | null;
  readonly language?: Language;
  readonly size?: (typeof SIZES)[number];
  /** What the reader's system prefers. */
  readonly theme?: 'light' | 'dark';
}

/** Somebody at a screen. Holds every fault that the browser told of. */
export class Visitor {
  readonly service: DemonstrationService;
  readonly page: Page;
  readonly text: Text;
  readonly faults: string[] = [];

  private constructor(service: DemonstrationService, page: Page, language: Language) {
    this.service = service;
    this.page = page;
    this.text = textIn(language);
    page.setDefaultTimeout(15_000);
    page.on('pageerror', (error) => this.faults.push(error.message));
    page.on('console', (message) => {
      // The browser itself notes every answer of 401, also the one to the question whether somebody is signed in.
      if (message.type() === 'error' && !(message.text().includes('401') && message.location().url.endsWith('/api/v1/session')))
        this.faults.push(`${message.text()} (${message.location().url})`);
    });
  }

  static async come(browser: Browser, { role, language = 'zh-CN', size = SIZES[0], theme = 'light' }: Who): Promise<Visitor> {
    const service = await demonstration();
    const context = await browser.newContext({
      viewport: size,
      colorScheme: theme,
      ...(role === null ? {} : { storageState: await stateOf(browser, service, role) }),
    });
    const visitor = new Visitor(service, await context.newPage(), language);
    if (language === 'en') {
      await visitor.open('/sign-in');
      await visitor.page.getByRole('button', { name: 'English' }).click();
    }
    return visitor;
  }

  async open(path: string): Promise<void> {
    await this.page.goto(`${this.service.url}${path}`);
  }

  /** Fills in the form of the sign-in page. */
  async signIn(username: string, password: string): Promise<void> {
    await this.page.getByLabel(this.text('sign.username')).fill(username);
    await this.page.getByLabel(this.text('sign.password')).fill(password);
    await this.page.getByRole('button', { name: this.text('sign.in') }).click();
  }

  /** Waits until the selected text is another one than it was. */
  async changes(selector: string, withinMs?: number): Promise<{ readonly before: string; readonly now: string }> {
    const read = async () => (await this.page.locator(selector).first().textContent())?.trim() ?? '';
    const before = await read();
    const now = await eventually(
      async () => {
        const text = await read();
        return text !== before && text;
      },
      `another text than "${before}"`,
      withinMs,
    );
    return { before, now };
  }

  /** Answers of a script in the page. A text, as the program is checked without a browser's types. */
  ask<T>(script: string): Promise<T> {
    return this.page.evaluate<T>(script);
  }

  leave(): Promise<void> {
    return this.page.context().close();
  }
}
