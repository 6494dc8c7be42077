import { expect } from 'chai';
import { type Engine, EngineKeeper } from '../../../store/embedded/engine-keeper.ts';

/** Answers with its number when it is let; says in `log` what becomes of it. */
class NumberedEngine implements Engine<string> {
  readonly #number: number;
  readonly #log: string[];
  readonly #open: ((answer: string) => void)[] = [];
  isWorn = false;

  constructor(number: number, log: string[]) {
    this.#number = number;
    this.#log = log;
    log.push(`open ${number}`);
  }

  answer(request: string): Promise<string> {
    if (request === 'give up') return Promise.reject(new Error('FATAL Error: the disk is full'));
    if (request === 'long') return new Promise((resolve) => this.#open.push(resolve));
    return Promise.resolve(`${request} by ${this.#number}`);
  }

  finish(): void {
    for (const resolve of this.#open) resolve(`long by ${this.#number}`);
  }

  async close(): Promise<void> {
    this.#log.push(`close ${this.#number}`);
  }

  async abandon(): Promise<void> {
    this.#log.push(`abandon ${this.#number}`);
  }
}

describe('the keeper of the engine', () => {
  let log: string[];
  /** Openings that fail from now on. */
  let failures = 0;
  let engines: NumberedEngine[];
  let keeper: EngineKeeper<string>;
  const engine = (nth: number) => engines[nth] as NumberedEngine;

  beforeEach(async () => {
    log = [];
    engines = [];
    failures = 0;
    keeper = new EngineKeeper(async () => {
      if (failures-- > 0) throw new Error('the disk is full');
      const made = new NumberedEngine(engines.length, log);
      engines.push(made);
      return made;
    });
    await keeper.start();
  });

  it('goes on with another engine when one is worn, and closes that first', async () => {
    expect(await keeper.answer('first')).to.equal('first by 0');
    engine(0).isWorn = true;
    expect(await keeper.answer('last')).to.equal('last by 0');
    expect(await Promise.all([keeper.answer('a'), keeper.answer('b')])).to.deep.equal(['a by 1', 'b by 1']);
    expect(log).to.deep.equal(['open 0', 'close 0', 'open 1']);
  });

  it('waits for what is under way, and lets what comes meanwhile wait', async () => {
    const long = keeper.answer('long');
    await keeper.answer('short');
    engine(0).isWorn = true;
    await keeper.answer('last');
    const later = keeper.answer('later');
    await new Promise((resolve) => setImmediate(resolve));
    expect(log).to.deep.equal(['open 0']);
    engine(0).finish();
    expect(await long).to.equal('long by 0');
    expect(await later).to.equal('later by 1');
    expect(log).to.deep.equal(['open 0', 'close 0', 'open 1']);
  });

  it('abandons one that DuckDB has given up, once, whoever hears of it', async () => {
    const asked = await Promise.allSettled([keeper.answer('give up'), keeper.answer('give up')]);
    expect(asked.map(({ status }) => status)).to.deep.equal(['rejected', 'rejected']);
    expect(await keeper.answer('next')).to.equal('next by 1');
    expect(log).to.deep.equal(['open 0', 'abandon 0', 'open 1']);
  });

  it('closes the one that there is, also when that is just being opened', async () => {
    engine(0).isWorn = true;
    await keeper.answer('last');
    await keeper.close();
    expect(log).to.deep.equal(['open 0', 'close 0', 'open 1', 'close 1']);
  });

  it('has nothing to close where none could be opened any more, and opens none for that', async () => {
    engine(0).isWorn = true;
    failures = 1;
    await keeper.answer('last');
    await keeper.close();
    expect(log).to.deep.equal(['open 0', 'close 0']);
    expect(await keeper.answer('next')).to.equal('next by 1');
  });

  it('abandons one that is given up although it is worn as well', async () => {
    engine(0).isWorn = true;
    await keeper.answer('give up').catch(() => undefined);
    expect(await keeper.answer('next')).to.equal('next by 1');
    expect(log).to.deep.equal(['open 0', 'abandon 0', 'open 1']);
  });
});
