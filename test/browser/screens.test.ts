import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import axe from 'axe-core';
import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { requireServer } from '../real-servers.ts';
import { demonstration, ENTERPRISE, METER, PARK } from './demonstration-service.ts';
import { launch, SIZES, Visitor } from './visitor.ts';

const FOLDER = fileURLToPath(new URL('../../../test/browser/screenshots/', import.meta.url));

/** Every page, and what stands on it when it is complete. */
const PAGES = [
  { name: 'park', path: `/parks/${PARK}`, complete: '.air-now' },
  { name: 'enterprise', path: `/parks/${PARK}/enterprises/${ENTERPRISE.id}`, complete: 'table.meters' },
  { name: 'meters', path: `/parks/${PARK}/meters`, complete: 'table.meters' },
  { name: 'meter', path: `/parks/${PARK}/meters/${METER}`, complete: '.chart:not(:has(.chart-note [role=status])) canvas' },
  { name: 'alerts', path: `/parks/${PARK}/alerts`, complete: 'table.stacked' },
  { name: 'entry', path: `/parks/${PARK}/entry`, complete: '.criteria' },
  { name: 'ingest', path: '/ingest', complete: '.column:has(.gateways):has(.letters) + .column:has(.stages)' },
  { name: 'nothing', path: '/there/is/no/such/page', complete: 'main .note, main h1' },
  { name: 'sign-in', path: '/sign-in', complete: 'input[name=password]' },
] as const;

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

/** Tables of two to four columns fit everywhere without being pushed sideways. */
const CUT_TABLES = `[...document.querySelectorAll('.scroll')]
  .filter((each) => each.scrollWidth > each.clientWidth && (each.querySelector('tr')?.children.length ?? 9) <= 4)
  .map((each) => each.querySelector('table')?.className + ' by ' + (each.scrollWidth - each.clientWidth) + ' px')`;

/** Opens every page, keeps a picture of each, and answers what is wrong with them. */
async function look(visitor: Visitor, suffix: string): Promise<string[]> {
  const found: string[] = [];
  for (const { name, path, complete } of PAGES) {
    await visitor.open(path);
    await visitor.page.locator(complete).first().waitFor();
    const over = await visitor.ask<number>('document.documentElement.scrollWidth - window.innerWidth');
    if (over > 0) found.push(`${name} is ${over} px too wide`);
    for (const table of await visitor.ask<readonly string[]>(CUT_TABLES)) found.push(`${name}: the table ${table} is wider than its place`);
    await visitor.page.screenshot({ path: `${FOLDER}${name}-${suffix}.png`, fullPage: name !== 'meters' });
    await visitor.ask(`${axe.source}; undefined`);
    const violations = await visitor.ask<readonly Violation[]>('axe.run().then((result) => result.violations)');
    for (const { id, nodes } of violations) found.push(`${name}: ${id} at ${nodes.map((node) => node.html.slice(0, 160)).join(' and ')}`);
  }
  return found;
}

/** Marks what the keyboard should reach and answers how many that are. */
const MARK = `(() => {
  const all = [...document.querySelectorAll('a[href], button:not([disabled]), input, select, summary, [tabindex="0"]')];
  const seen = all.filter((each) => each.checkVisibility({ visibilityProperty: true }));
  seen.forEach((each, at) => each.setAttribute('data-stop', String(at)));
  return seen.length;
})()`;
const STOP = `document.activeElement?.getAttribute('data-stop') ?? null`;
const MISSED = (reached: readonly string[]) =>
  `[...document.querySelectorAll('[data-stop]')].filter((each) => !${JSON.stringify(reached)}.includes(each.dataset.stop)).map((each) => each.outerHTML.slice(0, 120))`;

describe('every page of the dashboard', function () {
  this.timeout(60_000);
  let browser: Browser;
  let visitor: Visitor | null = null;

  before(async function () {
    this.timeout(150_000);
    browser = await launch(requireServer(this, 'chromium'));
    mkdirSync(FOLDER, { recursive: true });
    const service = await demonstration();
    // So that no list is empty: an alert that stands, and a message that was refused.
    await service.publish(900);
    await service.publishNonsense();
    await service.publishUnknown('workshop-9', 12);
  });
  afterEach(async () => {
    const faults = visitor?.faults ?? [];
    await visitor?.leave();
    visitor = null;
    expect(faults, 'faults in the browser').to.deep.equal([]);
  });
  after(() => browser?.close());

  for (const language of ['zh-CN', 'en'] as const) {
    for (const size of SIZES) {
      it(`fits ${size.width} by ${size.height} in ${language}, with nothing in axe's way`, async () => {
        visitor = await Visitor.come(browser, { role: 'operator', language, size });
        expect(await look(visitor, `${language}-${size.width}`)).to.deep.equal([]);
      });
    }
  }

  it("is dark where the reader's system is, with nothing in axe's way", async () => {
    visitor = await Visitor.come(browser, { role: 'operator', theme: 'dark' });
    await visitor.open('/sign-in');
    expect(await visitor.ask<string>('getComputedStyle(document.body).colorScheme || getComputedStyle(document.documentElement).colorScheme')).to.include(
      'dark',
    );
    expect(await look(visitor, 'zh-CN-1366-dark')).to.deep.equal([]);
  });

  for (const { name, path, complete } of PAGES) {
    it(`is reached by Tab in all its parts: ${name}`, async () => {
      visitor = await Visitor.come(browser, { role: 'operator' });
      const { page } = visitor;
      await visitor.open(path);
      await page.locator(complete).first().waitFor();
      const stops = await visitor.ask<number>(MARK);
      const reached: string[] = [];
      // Once around. A field for a time takes several steps.
      for (let at = 0; at < 8 * stops; at++) {
        await page.keyboard.press('Tab');
        const stop = await visitor.ask<string | null>(STOP);
        if (stop !== null && stop === reached[0] && reached.at(-1) !== stop) break;
        if (stop !== null) reached.push(stop);
      }
      expect(reached[0], 'the first is the skip link').to.equal('0');
      expect(await visitor.ask<string[]>(MISSED(reached))).to.deep.equal([]);
    });
  }

  it('is led by Enter: past the navigation, and along a link', async () => {
    visitor = await Visitor.come(browser, { role: 'operator' });
    const { page } = visitor;
    await visitor.open(`/parks/${PARK}/meters`);
    await page.locator('table.meters').waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await visitor.ask<string>('document.activeElement?.id')).to.equal('main');
    await page.getByRole('link', { name: '110 千伏进线一' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: '110 千伏进线一' }).waitFor();
  });
});
