import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import type { Role } from '../../model/access.ts';
import { eventually } from '../integration/callers.ts';
import { requireServer } from '../real-servers.ts';
import { demonstration, ENTERPRISE, METER, OTHER_ENTERPRISE, PARK } from './demonstration-service.ts';
import { launch, Visitor, type Who } from './visitor.ts';

const PARK_PAGE = `/parks/${PARK}`;
const METER_PAGE = `${PARK_PAGE}/meters/${METER}`;
const POWER = '.tile .figure';

/** Columns of the chart's canvas with the line's colour in them, first and last as shares of its width, and how many. */
const LINE = `(() => {
  const canvas = document.querySelector('.chart-place canvas');
  if (canvas === null) return { columns: 0, first: 1, last: 0 };
  const colour = getComputedStyle(canvas).getPropertyValue('--bar').trim();
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  const { data, width, height } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const found = [];
  for (let x = 0; x < width; x++)
    for (let y = 0; y < height; y++) {
      const i = 4 * (y * width + x);
      if (data[i + 3] > 200 && Math.abs(data[i] - r) + Math.abs(data[i + 1] - g) + Math.abs(data[i + 2] - b) < 40) { found.push(x); break; }
    }
  return { columns: found.length, first: (found[0] ?? width) / width, last: (found.at(-1) ?? 0) / width };
})()`;
interface Line {
  readonly columns: number;
  readonly first: number;
  readonly last: number;
}

describe('the dashboard in a real browser', function () {
  this.timeout(30_000);
  let browser: Browser;
  let visitors: Visitor[] = [];

  before(async function () {
    this.timeout(150_000);
    browser = await launch(requireServer(this, 'chromium'));
    await demonstration();
  });
  afterEach(async () => {
    const faults = visitors.flatMap((visitor) => visitor.faults);
    await Promise.all(visitors.map((visitor) => visitor.leave()));
    visitors = [];
    expect(faults, 'faults in the browser').to.deep.equal([]);
  });
  after(() => browser?.close());

  const come = async (who: Who): Promise<Visitor> => {
    const visitor = await Visitor.come(browser, who);
    visitors.push(visitor);
    return visitor;
  };

  const STARTS: readonly { readonly role: Role; readonly at: string; readonly links: number }[] = [
    { role: 'operator', at: PARK_PAGE, links: 5 },
    { role: 'committee', at: PARK_PAGE, links: 4 },
    { role: 'auditor', at: PARK_PAGE, links: 4 },
    { role: 'enterprise', at: `${PARK_PAGE}/enterprises/${ENTERPRISE.id}`, links: 4 },
  ];
  for (const { role, at, links } of STARTS) {
    it(`signs in the ${role} and begins where it has something to see`, async () => {
      const visitor = await come({ role: null });
      const { page, service, text } = visitor;
      await visitor.open('/');
      await page.waitForURL('**/sign-in');
      await visitor.signIn(service.accounts[role].username, service.accounts[role].password);
      await page.waitForURL(`**${at}`);
      await page.locator('.connection[data-status=live]').waitFor();
      expect(await page.locator('.who').textContent()).to.include(text(`role.${role}`));
      expect(await page.locator('nav.tabs a').count()).to.equal(links);
    });
  }

  it('says when the password is wrong, and lets nobody in', async () => {
    const visitor = await come({ role: null });
    await visitor.open('/');
    await visitor.signIn('admin', 'not the password');
    await visitor.page.getByRole('alert').getByText(visitor.text('sign.wrong')).waitFor();
    expect(new URL(visitor.page.url()).pathname).to.equal('/sign-in');
  });

  it('changes the figures of the park without a reload', async () => {
    const visitor = await come({ role: 'committee' });
    await visitor.open(PARK_PAGE);
    await visitor.page.locator(POWER).first().waitFor();
    await visitor.ask('window.stayed = true');
    const { before, now } = await visitor.changes(POWER);
    expect(now).to.match(/^[\d.,]+\sMW|^[\d.,]+\skW/);
    expect(now).to.not.equal(before);
    expect(await visitor.ask('window.stayed')).to.equal(true);
  });

  it('shows the air quality, and the fullest caps first', async () => {
    const visitor = await come({ role: 'committee' });
    const { page, text } = visitor;
    await visitor.open(PARK_PAGE);
    await page.getByRole('heading', { name: text('park.air') }).waitFor();
    const shares = async () => (await page.locator('.cap-percent').allInnerTexts()).map((share) => Number.parseFloat(share));
    const few = await shares();
    expect(few).to.have.length(6);
    await page
      .locator('section', { has: page.locator('.caps') })
      .getByRole('button')
      .click();
    const all = await shares();
    expect(all.length).to.be.above(6);
    expect(all).to.deep.equal([...all].sort((a, b) => b - a));
  });

  it('leads from the park to an enterprise, a meter and its chart, which goes on live', async () => {
    const visitor = await come({ role: 'auditor' });
    const { page, text } = visitor;
    await visitor.open(PARK_PAGE);
    await page.getByRole('link', { name: ENTERPRISE.name }).first().click();
    await page.getByRole('heading', { level: 1, name: ENTERPRISE.name }).waitFor();
    // Not whichever stands first: silent ones do, and those whose gateway is in its history still.
    await page.locator('table.meters').getByRole('link', { name: '总表' }).first().click();
    await page.waitForURL(`**${PARK_PAGE}/meters/*`);
    await eventually(async () => (await visitor.ask<Line>(LINE)).columns > 300, 'a line on the canvas');
    await page.getByRole('button', { name: text('range.15m') }).click();
    await page.getByRole('button', { name: text('chart.table') }).click();
    const { before, now } = await visitor.changes('.tall tbody th', 20_000);
    expect(now > before, `${now} after ${before}`).to.equal(true);
  });

  it('shows seven days of history, moves back in it and returns to now', async () => {
    const visitor = await come({ role: 'committee' });
    const { page, text } = visitor;
    await visitor.open(METER_PAGE);
    await page.getByRole('button', { name: text('range.7d') }).click();
    const line = await eventually(async () => {
      const { columns, first, last } = await visitor.ask<Line>(LINE);
      return columns > 800 && first < 0.12 && last > 0.9 && { columns, first, last };
    }, 'a line over the whole week');
    expect(line.columns).to.be.above(800);
    await page.getByText(text('chart.following')).waitFor();
    await page.getByRole('button', { name: text('chart.back') }).click();
    await page.locator('.chart-note').getByText(text('chart.history'), { exact: true }).waitFor();
    // Half a week before the history begins there is nothing, and nothing is drawn.
    await eventually(async () => (await visitor.ask<Line>(LINE)).first > 0.4, 'the beginning of the history');
    await page.getByRole('button', { name: text('chart.now') }).click();
    await page.getByText(text('chart.following')).waitFor();
    await eventually(async () => (await visitor.ask<Line>(LINE)).first < 0.12, 'the week up to now');
  });

  it('leads from an empty chart to the newest reading', async () => {
    const visitor = await come({ role: 'committee' });
    const { page, text, service } = visitor;
    await service.publishOld('browser-silent');
    await visitor.open(`${PARK_PAGE}/meters/browser-silent`);
    await page.locator('.chart-empty').getByText(text('chart.none')).waitFor();
    expect((await visitor.ask<Line>(LINE)).columns, 'a value from before the window is not drawn').to.equal(0);
    const [label = ''] = text('chart.newest').split('{time}');
    await page.locator('.chart-empty').getByRole('button', { name: label }).click();
    await page.locator('.chart-empty').waitFor({ state: 'detached' });
    const line = await eventually(async () => {
      const { columns, first, last } = await visitor.ask<Line>(LINE);
      return columns > 500 && { columns, first, last };
    }, 'a line on the canvas');
    // Twenty hours of the twenty-four, and the newest reading near the right edge.
    expect(line.first, 'begins').to.be.within(0.1, 0.3);
    expect(line.last, 'ends').to.be.within(0.85, 0.97);
    await page.locator('.chart-note').getByText(text('chart.history'), { exact: true }).waitFor();
  });

  it('tells the value when an alert fired from the present one and the worst', async () => {
    const visitor = await come({ role: 'committee' });
    const { page, text, service } = visitor;
    await visitor.open(`${PARK_PAGE}/alerts`);
    await page.locator('.connection[data-status=live]').waitFor();
    const name = await service.publish(900);
    await service.publish(1200);
    await service.publish(700);
    const row = page.getByRole('row', { name });
    for (const [key, value] of [
      ['alert.value', '900.0'],
      ['alert.present', '700.0'],
      ['alert.peak', '1,200.0'],
    ] as const)
      await row.getByText(text(key, { value: `${value}\u00a0kW`, peak: `${value}\u00a0kW` })).waitFor();
    await service.publish(100);
    await row.waitFor({ state: 'detached' });
  });

  it('keeps the language over a reload', async () => {
    const visitor = await come({ role: 'committee' });
    const { page } = visitor;
    await visitor.open(PARK_PAGE);
    await page.getByRole('link', { name: '园区实况' }).waitFor();
    await page.getByRole('button', { name: 'English' }).click();
    await page.getByRole('link', { name: 'Park now' }).waitFor();
    await page.reload();
    await page.getByRole('link', { name: 'Park now' }).waitFor();
    expect(await page.locator('html').getAttribute('lang')).to.equal('en');
  });

  it('shows an enterprise its own meters and nothing else', async () => {
    const visitor = await come({ role: 'enterprise' });
    const { page, text, service } = visitor;
    const all = await service.admin.items<{ readonly id: string; readonly enterprise: string | null }>(`/api/v1/parks/${PARK}/meters?limit=500`);
    const idsOf = (enterprise: string) => all.filter((meter) => meter.enterprise === enterprise).map((meter) => meter.id);
    await visitor.open(`${PARK_PAGE}/meters`);
    await page.locator('table.meters').waitFor();
    const shown = await page.locator('table.meters tbody a').evaluateAll((links) => links.map((link) => String(link.getAttribute('href')).split('/').at(-1)));
    expect([...shown].sort()).to.deep.equal(idsOf(ENTERPRISE.id).sort());

    const [foreign = ''] = idsOf(OTHER_ENTERPRISE.id);
    for (const id of [foreign, METER]) {
      await visitor.open(`${PARK_PAGE}/meters/${id}`);
      await page.getByText(text('meter.unknown', { id })).waitFor();
    }
    for (const path of [PARK_PAGE, `${PARK_PAGE}/enterprises/${OTHER_ENTERPRISE.id}`]) {
      await visitor.open(path);
      await page.waitForURL(`**/enterprises/${ENTERPRISE.id}`);
      await page.getByRole('heading', { level: 1, name: ENTERPRISE.name }).waitFor();
    }
    await visitor.open('/ingest');
    await page.getByText(text('state.notfound')).waitFor();
  });

  it('lists a meter that reports and is not registered, and registers it in one step with what it has sent', async () => {
    const operator = await come({ role: 'operator' });
    const { page, text } = operator;
    await operator.service.publishUnknown('workshop-7', 41);
    await operator.service.publishUnknown('workshop-7', 42);
    await operator.open('/ingest');
    const item = page.getByRole('listitem').filter({ has: page.getByRole('heading', { name: 'workshop-7' }) });
    await item.getByRole('button', { name: text('unknown.register'), exact: true }).click();
    await item.locator('input[name=name]').fill('七号车间');
    await item.locator('select[name=enterprise]').selectOption(ENTERPRISE.id);
    await item.getByRole('button', { name: text('unknown.confirm') }).click();
    await page.getByText(text('unknown.registered', { id: 'workshop-7', count: '2' })).waitFor();
    await item.waitFor({ state: 'detached' });
    await operator.open(`${PARK_PAGE}/meters/workshop-7`);
    await page.getByRole('heading', { level: 1, name: '七号车间' }).waitFor();
    // the whole value with its unit: the minute and second beside it hold digits of their own
    await page.locator('table.latest').getByText('42.0 kW', { exact: true }).waitFor();

    await operator.service.publishUnknown('workshop-8', 1);
    await operator.open('/ingest');
    await page.getByRole('button', { name: `${text('unknown.dismiss')} workshop-8` }).click();
    await page.getByText(text('unknown.dismissed', { id: 'workshop-8' })).waitFor();
  });

  it('shows the unknown meters last seen, finds the others by search and “more”, and opens the last message of each', async () => {
    const operator = await come({ role: 'operator' });
    const { page, text, service } = operator;
    for (let n = 1; n <= 22; n++) await service.publishUnknown(`cellar-${n}`, n);
    await operator.open('/ingest');
    const list = page.locator('.panel', { has: page.getByRole('heading', { name: text('unknown.title') }) });
    const rows = list.locator('.unknown > li');
    await eventually(async () => (await rows.count()) === 20, 'twenty of them');
    await list.getByText(/^20 \/ \d+ /).waitFor();

    const newest = rows.filter({ has: page.getByRole('heading', { name: 'cellar-22', exact: true }) });
    await newest.getByText(text('unknown.payload')).click();
    await newest
      .getByLabel(`${text('unknown.payload')} cellar-22`)
      .getByText('"active_power":22')
      .waitFor();

    await list.getByRole('button', { name: text('meters.more', { count: '' }).split(' ')[0] as string }).click();
    await list.getByRole('heading', { name: 'cellar-1', exact: true }).waitFor();
    expect(await page.evaluate<string>('document.activeElement.textContent'), 'where the keyboard goes on').to.equal('cellar-2');

    const search = list.getByRole('searchbox', { name: text('unknown.search') });
    await search.fill('METERS/cellar-1/');
    await eventually(async () => (await rows.count()) === 1, 'one alone');
    await search.fill('no such thing');
    await list.getByText(text('unknown.nonefound')).waitFor();
  });

  it('shows the operator every gateway with what it does, those in trouble on top', async () => {
    const operator = await come({ role: 'operator' });
    const { page, text } = operator;
    await operator.service.publishNonsense();
    await operator.open('/ingest');
    const rows = page.locator('table.gateways tbody tr');
    const first = rows.first();
    await first.getByText('browser-gateway').waitFor();
    await first.getByText(text('gateways.state.refused'), { exact: true }).waitFor();
    const fine = rows.filter({ hasText: 'gw-lq-north' });
    await fine.getByText(text('gateways.connected'), { exact: true }).waitFor();
    await fine.getByText(text('ingest.transport.embedded'), { exact: true }).waitFor();
    expect(Number((await fine.locator('td').nth(3).textContent())?.replace(/\D/g, '')), 'messages a minute').to.be.above(0);
    await page
      .getByRole('search', { name: text('gateways.title') })
      .getByRole('searchbox')
      .fill('south');
    await eventually(async () => (await rows.allInnerTexts()).every((row) => row.includes('gw-lq-south')), 'one gateway alone');
    await page
      .getByRole('search', { name: text('gateways.title') })
      .getByRole('searchbox')
      .fill('no such thing');
    await page.getByText(text('gateways.nonefound')).waitFor();
  });

  it('shows the operator queues and stages as they are', async () => {
    const operator = await come({ role: 'operator' });
    const { page, text } = operator;
    await operator.open('/ingest');
    const stage = (name: 'decode' | 'store') =>
      page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: text(`pipeline.stage.${name}`), exact: true }) });
    for (const name of ['decode', 'store'] as const) {
      await stage(name).waitFor();
      const [perMinute = '', each = ''] = await stage(name).locator('td').allInnerTexts();
      expect([Number(perMinute.replaceAll(',', '')) > 0, /[\d.]+\s(µs|ms|s)$/.test(each)], `${name}: ${perMinute}, ${each}`).to.deep.equal([true, true]);
    }
    await page.getByText(/没有等待确认的消息|最久的消息已等待确认/).waitFor();
    await page
      .getByRole('row')
      .filter({ hasText: text('pipeline.readings') })
      .waitFor();
  });

  it('shows the operator of which meter a mapping keeps nothing, by which names, and what they probably mean', async () => {
    const operator = await come({ role: 'operator' });
    const { page, text, service } = operator;
    await service.publishUnmapped('workshop-9', { kWh: 12.5, rssi: -71 });
    await operator.open('/ingest');
    const lines = (kind: 'nothing-mapped' | 'not-mapped' | 'no-value') => page.getByRole('region', { name: text(`leftout.kind.${kind}`) }).locator('tbody tr');
    const meter = lines('nothing-mapped').filter({ hasText: 'workshop-9' });
    await meter.getByText(text('leftout.unregistered')).waitFor();
    await meter.getByText('{"kWh":12.5,"rssi":-71}').waitFor();
    await lines('not-mapped').filter({ hasText: 'kWh' }).getByText('active_energy_import').waitFor();
    await page.getByText(text('leftout.advice.not-mapped')).waitFor();
    expect(await lines('no-value').count()).to.equal(0);
  });

  it('lets the operator search, read, export and replay refused messages, and tells what came of it', async () => {
    const operator = await come({ role: 'operator' });
    const { page, text, service } = operator;
    for (const kw of [1, 2, 3]) await service.publishUnknown('workshop-6', kw);
    await operator.open('/ingest');
    const search = page.getByRole('search', { name: text('letters.search') });
    const rows = page.locator('table.letters tbody tr');
    const find = () => search.getByRole('button', { name: text('letters.find') }).click();
    await search.locator('[name=reason]').selectOption('unknown-meter');
    await search.locator('[name=gateway]').fill('browser-gateway');
    await search.locator('[name=topic]').fill(`parks/${PARK}/meters/workshop-6/`);
    await search.locator('[name=from]').fill('2020-01-01T00:00');
    await find();
    await eventually(async () => (await rows.count()) === 3, 'the three messages');

    await rows
      .first()
      .getByRole('button', { name: text('letters.open') })
      .click();
    await page.getByLabel(text('ingest.payload')).getByText('"active_power":3').waitFor();
    await page.getByText(text('ingest.advice.unknown-meter')).waitFor();
    await rows
      .first()
      .getByRole('button', { name: text('letters.open') })
      .click();

    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: text('letters.export') }).click()]);
    expect(download.suggestedFilename()).to.equal('dead-letters.ndjson');
    const exported = readFileSync(await download.path(), 'utf8')
      .trimEnd()
      .split('\n');
    expect(exported.map((line) => JSON.parse(JSON.parse(line).payloadText).values.active_power)).to.deep.equal([1, 2, 3]);

    // In vain: the cause is not mended yet.
    const told = page.getByRole('status');
    await rows.nth(2).getByRole('checkbox').check();
    await page.getByRole('button', { name: text('letters.replay.chosen', { count: '1' }) }).click();
    await told.getByText(text('letters.told.refused', { count: '1' })).waitFor();
    await service.register('workshop-6');
    await rows
      .first()
      .getByRole('button', { name: text('letters.replay.one') })
      .click();
    await told.getByText(text('letters.told.accepted', { count: '1' })).waitFor();
    await page.getByRole('button', { name: text('letters.replay.all') }).click();
    await told.getByText(text('letters.told', { letters: '2', messages: '2', parts: text('letters.told.accepted', { count: '2' }) })).waitFor();
    await page.getByText(text('letters.none')).waitFor();

    await search.locator('[name=state]').selectOption('replayed');
    await find();
    await eventually(async () => (await rows.count()) === 3, 'the three messages that were replayed');
    expect(await page.getByRole('button', { name: text('letters.replay.all') }).isDisabled()).to.equal(true);
    expect(
      await rows
        .first()
        .getByRole('button', { name: text('letters.replay.one') })
        .count(),
    ).to.equal(0);
    const values = await service.admin.items<{ readonly value: number }>(`/api/v1/meters/workshop-6/series?quantity=active_power&step=raw`);
    expect(values.map(({ value }) => value)).to.deep.equal([1, 2, 3]);
  });

  it('lets the committee say what both registers of an exchanged meter showed; the auditor reads it and is given no form', async () => {
    const committee = await come({ role: 'committee' });
    const { page, text, service } = committee;
    await service.publishMoved('browser-moved');
    await committee.open(`${PARK_PAGE}/meters/browser-moved`);
    const row = (visitor: Visitor, author: string) => visitor.page.locator('table.registers').getByRole('row').filter({ hasText: author });
    const found = row(committee, text('register.service'));
    await found.getByText(text('register.why.exchange')).waitFor();
    await found.getByText(text('register.closing.of', { value: '60,010\u00a0kWh' })).waitFor();

    await found.getByRole('button', { name: text('register.better') }).press('Enter');
    const form = page.getByRole('form', { name: text('register.declare') });
    const closing = form.getByLabel(text('register.closing', { unit: 'kWh' }));
    // Quantity and time are the note's, so that the first thing to fill in is what the old register showed.
    expect(await closing.evaluate((field) => field.matches(':focus'))).to.equal(true);
    await page.keyboard.type('60012.5');
    await page.keyboard.press('Tab');
    await page.keyboard.type('29990');
    await page.keyboard.press('Enter');
    // The reason is missing: it is said at its field, which is where one goes on.
    await form.getByText(text('register.fault.reason')).waitFor();
    const reason = form.getByLabel(text('register.reason'));
    expect(await reason.evaluate((field) => field.matches(':focus[aria-invalid=true]'))).to.equal(true);
    await page.keyboard.type('到期轮换');
    await page.keyboard.press('Enter');

    await page
      .getByRole('status')
      .filter({ hasText: text('register.declared', { quantity: '', time: '' }).split('：')[0] ?? '' })
      .waitFor();
    await found.getByText(text('register.overruled')).waitFor();
    const { username } = service.accounts.committee;
    const declared = row(committee, username);
    for (const said of ['60,012.5\u00a0kWh', '29,990\u00a0kWh', '到期轮换']) await declared.getByText(said).waitFor();
    const button = page.getByRole('button', { name: text('register.declare') });
    expect(await button.evaluate((each) => each.matches(':focus')), 'where the form was opened from is gone with its line').to.equal(true);

    // What the form lets through, the service may still refuse: it is said at its field, too.
    await button.click();
    expect(await form.getByLabel(text('table.quantity')).evaluate((field) => field.matches(':focus'))).to.equal(true);
    await page.route('**/register-changes', (route) =>
      route.request().method() === 'POST' ? route.continue({ postData: { ...route.request().postDataJSON(), at: '2999-01-01T00:00:00Z' } }) : route.continue(),
    );
    await closing.fill('1');
    await form.getByLabel(text('register.opening', { unit: 'kWh' })).fill('1');
    await reason.fill('试一试');
    await form.getByRole('button', { name: text('register.confirm') }).click();
    await form.locator('#register-at-fault').getByText('2999-01-01').waitFor();
    await form.getByRole('button', { name: text('register.cancel') }).press('Enter');
    await form.waitFor({ state: 'detached' });
    committee.faults.splice(0, committee.faults.length, ...committee.faults.filter((fault) => !/400 .*register-changes/.test(fault)));

    const auditor = await come({ role: 'auditor' });
    await auditor.open(METER_PAGE);
    await auditor.page.getByText(text('register.none')).waitFor();
    await auditor.open(`${PARK_PAGE}/meters/browser-moved`);
    await row(auditor, username).getByText('60,012.5\u00a0kWh').waitFor();
    for (const name of ['register.declare', 'register.better'] as const)
      expect(await auditor.page.getByRole('button', { name: text(name) }).count(), name).to.equal(0);
  });

  it('shows an alert as it fires; the committee acknowledges it, the auditor only looks', async () => {
    const [committee, auditor] = [await come({ role: 'committee' }), await come({ role: 'auditor' })];
    for (const visitor of [committee, auditor]) {
      await visitor.open(`${PARK_PAGE}/alerts`);
      await visitor.page.locator('.connection[data-status=live]').waitFor();
    }
    const name = await committee.service.publish(900);
    const row = (visitor: Visitor) => visitor.page.getByRole('row', { name });
    await Promise.all([row(committee).waitFor(), row(auditor).waitFor()]);
    expect(await auditor.page.getByRole('button', { name: auditor.text('alert.acknowledge') }).count()).to.equal(0);
    await row(committee)
      .getByRole('button', { name: committee.text('alert.acknowledge') })
      .click();
    for (const visitor of [committee, auditor]) await row(visitor).getByText(visitor.text('alert.state.acknowledged'), { exact: true }).waitFor();
    await committee.service.publish(100);
    await row(auditor).waitFor({ state: 'detached' });
  });

  it('says that its figures are old when the service goes, and goes on by itself when it is back', async function () {
    this.timeout(60_000);
    const visitor = await come({ role: 'committee' });
    const { page, service } = visitor;
    await visitor.open(PARK_PAGE);
    await page.locator('.connection[data-status=live]').waitFor();
    await visitor.ask('window.stayed = true');
    await service.stop();
    await page.locator('.banner').waitFor();
    expect(await page.locator('.connection').getAttribute('data-status')).to.equal('away');
    await service.startAgain();
    await page.locator('.connection[data-status=live]').waitFor({ timeout: 30_000 });
    expect(await page.locator('.banner').count()).to.equal(0);
    await visitor.changes(POWER, 20_000);
    expect(await visitor.ask('window.stayed')).to.equal(true);
    // While nobody answers, the browser notes each attempt.
    const others = visitor.faults.filter((fault) => !/ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|WebSocket/.test(fault));
    visitor.faults.splice(0, visitor.faults.length, ...others);
  });
});
