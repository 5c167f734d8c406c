import { describe, expect, it } from 'vitest';
import { deviceReasonCodes, explainFailure, hangsReason } from '../../../shared/deviceReasons.ts';
import { doctorCodes } from '../../../shared/doctorCodes.ts';
import cases from './zh-CN.cases.json';
import zhCN from './zh-CN.json';

/** A person who reads Chinese must find more than names in it. */
const isChinese = (text: string): boolean => /[\u4e00-\u9fff]{2}/.test(text);

describe('Chinese sentences of core', () => {
  it('are there for everything the doctor can find', () => {
    const known: Record<string, string> = cases.finding;
    expect(doctorCodes.filter((code) => !isChinese(known[code] ?? ''))).toEqual([]);
  });

  it('are there for every reason why a device is not used', () => {
    const known: Record<string, string> = cases.rung;
    expect(deviceReasonCodes.length).toBeGreaterThan(30);
    expect(deviceReasonCodes.filter((code) => !isChinese(known[code] ?? ''))).toEqual([]);
  });

  it('belong to codes that there are', () => {
    expect(Object.keys(cases.rung).filter((code) => !deviceReasonCodes.includes(code))).toEqual([]);
    expect(Object.keys(cases.rungRemedy).filter((code) => !Object.hasOwn(cases.rung, code))).toEqual([]);
    expect(Object.keys(cases.findingRemedy).filter((code) => !Object.hasOwn(cases.finding, code))).toEqual([]);
  });

  it('say what to do wherever core does', () => {
    const remedies: Record<string, string> = cases.rungRemedy;
    const told = [
      ...["Couldn't load Vulkan", 'libcuda.so.1: cannot open', 'libcublasLt.so.12: cannot open shared object', 'CUDA failure 35', 'out of memory', 'DXGI_ERROR_DEVICE_HUNG'].map((text) => explainFailure('cuda', text)),
      explainFailure('cuda', 'never seen'),
      explainFailure('webgpu', 'never seen'),
      hangsReason(20),
    ];
    expect(told.filter(({ code, remedy }) => remedy !== '' && !isChinese(remedies[code] ?? ''))).toEqual([]);
  });

  it('take no name away from the other messages', () => {
    expect(Object.keys(cases).filter((group) => Object.hasOwn(zhCN, group))).toEqual([]);
  });
});
