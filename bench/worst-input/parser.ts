/** What takes apart text from outside, and where that text may hurt. */
export interface Parser {
  readonly name: string
  /** Below `src/`, what of it `run` goes through. */
  readonly files: readonly string[]
  /** Each makes an input of a filling: a short piece, repeated to about the length that is measured. */
  readonly frames: readonly Frame[]
  readonly run: (text: string) => unknown
}

export type Frame = (filling: string) => string

/** The filling alone. */
export const bare: Frame = (filling) => filling

/** The filling between two characters that are no white space and no delimiter. */
export const within: Frame = (filling) => `x${filling}x`

/** The frame, its filling cut to what stays below a bound on the length. */
export function below(length: number, frame: Frame): Frame {
  return (filling) => frame(filling.slice(0, length))
}
