/** Cases of each property of a codec: few for a quick run; CI asks for 100,000 by FUZZ_RUNS. */
export const fuzzRuns = (quick = 2000): number => Number(process.env['FUZZ_RUNS'] ?? quick);
