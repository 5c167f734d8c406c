/** Numbers and times as the language of the page writes them. */
export interface Format {
  number(value: number, digits?: number, atLeast?: number): string;
  percent(share: number): string;
  /** A duration: `0.12 s`, `42 s`, `3 min 5 s`. */
  duration(ms: number): string;
  dateTime(iso: string): string;
}

export function createFormat(language: string): Format {
  const unit = (value: number, name: 'second' | 'minute', digits: number): string =>
    new Intl.NumberFormat(language, {
      style: 'unit',
      unit: name,
      unitDisplay: name === 'second' ? 'narrow' : 'short',
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    }).format(value);
  const seconds = (value: number): string => withSpace(unit(value, 'second', value < 1 ? 2 : value < 10 ? 1 : 0));
  return {
    number: (value, digits = 2, atLeast = 0) =>
      new Intl.NumberFormat(language, { minimumFractionDigits: atLeast, maximumFractionDigits: digits, useGrouping: false }).format(value),
    percent: (share) => new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 0 }).format(share),
    duration: (ms) => {
      const total = ms / 1000;
      if (total < 60) return seconds(total);
      const rounded = Math.round(total);
      return `${unit(Math.floor(rounded / 60), 'minute', 0)} ${withSpace(unit(rounded % 60, 'second', 0))}`;
    },
    dateTime: (iso) => new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(iso)),
  };
}

/** The narrow form has no space in English (`0.12s`); the unit reads better with one. */
function withSpace(text: string): string {
  return text.replace(/([0-9])s$/, '$1 s');
}
