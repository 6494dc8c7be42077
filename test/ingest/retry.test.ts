import { getEventListeners } from 'node:events';
import { expect } from 'chai';
import { Backoff, orAborted, untilDone } from '../../ingest/retry.ts';

const never = new Promise<never>(() => {});
const rejection = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: unknown) => error,
  );

describe('delays between attempts', () => {
  it('double up to the longest', () => {
    const backoff = new Backoff({ firstMs: 100, longestMs: 500 }, () => 1);
    expect(Array.from({ length: 5 }, () => backoff.next())).to.deep.equal([100, 200, 400, 500, 500]);
  });

  it('are shortened at random by up to half', () => {
    expect(new Backoff({ firstMs: 100, longestMs: 500 }, () => 0).next()).to.equal(50);
  });

  it('begin anew after a success', () => {
    const backoff = new Backoff({ firstMs: 100, longestMs: 500 }, () => 1);
    backoff.next();
    backoff.next();
    backoff.reset();
    expect(backoff.next()).to.equal(100);
  });
});

describe('an attempt that is repeated', () => {
  const options = (giveUp: (error: unknown) => boolean, onRetry: (error: unknown) => void, signal = new AbortController().signal) => ({
    pace: { firstMs: 1, longestMs: 1 },
    signal,
    giveUp,
    onRetry,
  });

  it('answers with the first success, and tells of each failure before it', async () => {
    const told: unknown[] = [];
    let attempts = 0;
    const attempt = async () => {
      if (++attempts < 3) throw attempts;
      return 'done';
    };
    expect(
      await untilDone(
        attempt,
        options(
          () => false,
          (error) => told.push(error),
        ),
      ),
    ).to.equal('done');
    expect(told).to.deep.equal([1, 2]);
  });

  it('ends with an error that no repeat would mend', async () => {
    const fault = new Error('no such database');
    const attempt = () => Promise.reject(fault);
    expect(
      await rejection(
        untilDone(
          attempt,
          options(
            () => true,
            () => expect.fail('tried again'),
          ),
        ),
      ),
    ).to.equal(fault);
  });

  it('ends with its own last error when it is aborted between two of them', async () => {
    const giveUp = new AbortController();
    const fault = new Error('away');
    const attempt = () => Promise.reject(fault);
    expect(
      await rejection(
        untilDone(
          attempt,
          options(
            () => false,
            () => giveUp.abort(),
            giveUp.signal,
          ),
        ),
      ),
    ).to.equal(fault);
  });
});

describe('work that may be aborted', () => {
  const reason = new Error('asked to stop');

  it('answers, and leaves nothing at a signal that outlives it', async () => {
    const { signal } = new AbortController();
    expect(await orAborted(Promise.resolve(7), signal, () => reason)).to.equal(7);
    expect(await rejection(orAborted(Promise.reject(new Error('no')), signal, () => reason))).to.have.property('message', 'no');
    expect(getEventListeners(signal, 'abort')).to.deep.equal([]);
  });

  it('is not waited for once the signal is aborted, also where it never ends', async () => {
    const giveUp = new AbortController();
    const outcome = rejection(orAborted(never, giveUp.signal, () => reason));
    giveUp.abort();
    expect(await outcome).to.equal(reason);
  });

  it('is not waited for where the signal was aborted before', async () => {
    expect(await rejection(orAborted(never, AbortSignal.abort(), () => reason))).to.equal(reason);
  });
});
