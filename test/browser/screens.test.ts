import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import axe from 'axe-core';
import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import type { TextKey } from '../../dashboards/web/i18n/zh.ts';
import { requireServer } from '../real-servers.ts';
import { demonstration, ENTERPRISE, METER, PARK } from './demonstration-service.ts';
import { launch, SIZES, Visitor } from './visitor.ts';

const FOLDER = fileURLToPath(new URL('../../../test/browser/screenshots/', import.meta.url));

interface Screen {
  readonly name: string;
  readonly path: string;
  readonly complete: string;
  /** The first button of this name shows what is looked at. */
  readonly press?: TextKey;
}

/** Every page, and what stands on it when it is complete. */
const PAGES: readonly Screen[] = [
  { name: 'park', path: `/parks/${PARK}`, complete: '.air-now' },
  { name: 'enterprise', path: `/parks/${PARK}/enterprises/${ENTERPRISE.id}`, complete: 'table.meters' },
  { name: 'meters', path: `/parks/${PARK}/meters`, complete: 'table.meters' },
  { name: 'meter', path: `/parks/${PARK}/meters/${METER}`, complete: 'main:has(table.balance) .chart:not(:has(.chart-note [role=status])) canvas' },
  { name: 'registers', path: `/parks/${PARK}/meters/browser-registers`, complete: 'table.registers' },
  { name: 'exchange', path: `/parks/${PARK}/meters/browser-registers`, complete: 'table.registers', press: 'register.declare' },
  { name: 'alerts', path: `/parks/${PARK}/alerts`, complete: 'table.stacked' },
  { name: 'entry', path: `/parks/${PARK}/entry`, complete: '.criteria' },
  { name: 'ingest', path: '/ingest', complete: '.column:has(.gateways):has(.letters):has(.left-out):has(.unknown) + .column:has(.stages)' },
  { name: 'letter', path: '/ingest', complete: '.letters tbody tr', press: 'letters.open' },
  { name: 'unknown', path: '/ingest', complete: '.unknown li', press: 'unknown.register' },
  { name: 'nothing', path: '/there/is/no/such/page', complete: 'main .note, main h1' },
  { name: 'sign-in', path: '/sign-in', complete: 'input[name=password]' },
];

/** Opens a page and waits until all of it is there. */
async function show(visitor: Visitor, { path, complete, press }: Screen): Promise<void> {
  await visitor.open(path);
  await visitor.page.locator(complete).first().waitFor();
  if (press !== undefined)
    await visitor.page
      .getByRole('button', { name: visitor.text(press) })
      .first()
      .click();
}

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
  for (const screen of PAGES) {
    const { name } = screen;
    await show(visitor, screen);
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

/** Marks what the keyboard should reach and answers how many stops that are at most. */
const MARK = `(() => {
  const all = [...document.querySelectorAll('a[href], button:not([disabled]), input, select, summary, [tabindex="0"]')];
  const seen = all.filter((each) => each.checkVisibility({ visibilityProperty: true }));
  seen.forEach((each, at) => each.setAttribute('data-stop', String(at)));
  // A field for a time holds a stop for each part of it.
  return seen.reduce((stops, each) => stops + (each.type === 'datetime-local' ? 9 : 1), 0);
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
    // So that no list is empty: an alert that stands, a message that was refused, names that a mapping leaves out.
    await service.publish(900);
    await service.publishNonsense();
    await service.publishUnknown('workshop-9', 12);
    await service.publishUnmapped('workshop-machine-hall-3-compressor-17', { 'kWh of the compressor in hall 3, since commissioning': 12.5, rssi: -71 });
    await service.publishUnmapped('车间三号压缩机', { kWh: 12.5 });
    await service.publishMoved('browser-registers');
    const at = new Date(Date.now() - 4 * 3_600_000).toISOString();
    for (const change of [
      { kind: 'rollover', width: 1_000_000, reason: '厂家确认' },
      { kind: 'exchange', closing: 60_012.5, opening: 29_990, reason: '到期轮换，工单 2026-0117；现场抄表两人签字确认，旧表送检，封印编号已登记在册' },
    ]) {
      const { status } = await service.admin.post('/api/v1/meters/browser-registers/register-changes', { quantity: 'active_energy_import', at, ...change });
      expect(status).to.equal(201);
    }
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

  for (const screen of PAGES) {
    it(`is reached by Tab in all its parts: ${screen.name}`, async () => {
      visitor = await Visitor.come(browser, { role: 'operator' });
      const { page } = visitor;
      await show(visitor, screen);
      const stops = await visitor.ask<number>(MARK);
      // Where a button was pressed, the focus went to what it opened, and goes on from there.
      const begun = await visitor.ask<string | null>(STOP);
      const reached: string[] = [];
      // Once around. A field for a time takes several steps.
      for (let at = 0; at < 8 * stops; at++) {
        await page.keyboard.press('Tab');
        const stop = await visitor.ask<string | null>(STOP);
        if (stop !== null && stop === reached[0] && reached.at(-1) !== stop) break;
        if (stop !== null) reached.push(stop);
      }
      expect(reached[0], 'the first is the skip link, or what comes next').to.equal(begun === null ? '0' : String(Number(begun) + 1));
      if (screen.press === undefined) expect(begun, 'nothing takes the focus before the skip link').to.equal(null);
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
