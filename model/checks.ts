import Type, { type Static } from 'typebox';

const closed = { additionalProperties: false } as const;

/**
 * What the readings of one meter's quantity are checked against beside the catalogue's physical range. All of it is the installation's own
 * knowledge of its instruments: no standard's figures, and no defaults. Values are in the catalogue's unit, as readings are stored.
 */
export const ChecksSchema = Type.Object(
  {
    registerWidth: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        maximum: 1e15,
        description: 'counters: where the register begins again at zero, e.g. 1000000 for six digits before the point',
      }),
    ),
    resetsDailyIn: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 64,
        description: "counters: the register begins again at zero each midnight of this time zone, e.g. Asia/Shanghai; a device's energy of today",
      }),
    ),
    stuckAfterSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 366 * 86_400, description: 'no change for longer than this is flagged as stuck' })),
    restsAt: Type.Optional(
      Type.Array(Type.Number(), { minItems: 1, maxItems: 8, description: 'values that may last for any time, e.g. 0 for a machine that stands still' }),
    ),
    jump: Type.Optional(
      Type.Object(
        {
          change: Type.Number({ exclusiveMinimum: 0, maximum: 1e15, description: 'largest change from one reading to the next' }),
          perSeconds: Type.Integer({ minimum: 1, maximum: 366 * 86_400, description: 'between readings further apart the change may be larger in proportion' }),
        },
        closed,
      ),
    ),
  },
  { ...closed, minProperties: 1 },
);
export type Checks = Static<typeof ChecksSchema>;
