import { expect } from 'chai';
import { QUALITY } from '../../../model/quality.ts';
import { type QuantityName, quantityOf } from '../../../model/quantities.ts';
import { ReadingBlockBuilder } from '../../../model/reading.ts';
import { LineText } from '../../../store/influx/line-text.ts';
import { LineWriter } from '../../../store/influx/lines.ts';

type Row = readonly [meter: number, quantity: QuantityName, ts: number, value: number, quality?: number];

function blockOf(rows: readonly Row[]) {
  const block = new ReadingBlockBuilder();
  for (const [meter, quantity, ts, value, quality = QUALITY.good] of rows) block.push(0, meter, quantityOf(quantity).code, ts, value, quality);
  return block.view();
}

const ids = ['m0', 'hall 1, east', '一号电表'];
const writer = () => new LineWriter({ idOf: (meter) => ids[meter] as string, ordinalOf: () => undefined });

function written(rows: readonly Row[], dropped?: Uint8Array): readonly [rows: number, lines: readonly string[]] {
  const text = new LineText();
  const count = writer().writeLines(text, blockOf(rows), dropped);
  return [count, text.bytes.toString().split('\n')];
}

describe('lines of readings', () => {
  it('are one for each meter and time', () => {
    const [rows, lines] = written([
      [0, 'active_power', 1000, 1.5],
      [0, 'voltage_a', 1000, 230],
      [0, 'active_power', 2000, -2],
      [1, 'active_power', 2000, 3],
      [2, 'active_power', 2000, 4],
      [2, 'active_power', 3000, 5],
      [0, 'active_power', 3000, 6],
    ]);
    expect(rows).to.equal(7);
    expect(lines).to.deep.equal([
      'readings,meter=m0 active_power=1.5,voltage_a=230 1000',
      'readings,meter=m0 active_power=-2 2000',
      'readings,meter=hall\\ 1\\,\\ east active_power=3 2000',
      'readings,meter=一号电表 active_power=4 2000',
      'readings,meter=一号电表 active_power=5 3000',
      'readings,meter=m0 active_power=6 3000',
    ]);
  });

  it('say of a reading that is not simply good which quality it has, and keep the unusable apart', () => {
    const [, lines] = written([
      [0, 'active_power', 1000, 1, QUALITY.estimated],
      [0, 'voltage_a', 1000, 2, QUALITY.fault],
    ]);
    expect(lines).to.deep.equal([
      `readings,meter=m0 active_power=1,active_power.quality=${QUALITY.estimated}i,voltage_a.flagged=2,voltage_a.quality=${QUALITY.fault}i 1000`,
    ]);
  });

  it('leave out what is dropped, and a line of which nothing is left', () => {
    const rows: readonly Row[] = [
      [0, 'active_power', 1000, 1],
      [0, 'voltage_a', 1000, 2],
      [0, 'active_power', 2000, 3],
      [0, 'active_power', 3000, 4],
      [0, 'voltage_a', 3000, 5],
    ];
    expect(written(rows, Uint8Array.of(1, 0, 1, 0, 1))).to.deep.equal([2, ['readings,meter=m0 voltage_a=2 1000', 'readings,meter=m0 active_power=4 3000']]);
    expect(written(rows, new Uint8Array(5).fill(1))).to.deep.equal([0, ['']]);
  });
});
