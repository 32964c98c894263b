/** Published vectors, as hexadecimal. */

/**
 * `sign` of github.com/ethereum/bls12-381-tests, v0.1.2: signatures[k][m] is key k's on message m. Ciphersuite
 * BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_.
 */
export const SIGN = {
  secretKeys: [
    "263dbd792f5b1be47ed85f8938c0f29586af0d3ac7b977f21c278fe1462040e3",
    "47b8192d77bf871b62e87859d653922725724a5c031afeabc60bcef5ff665138",
    "328388aff0d4a5b7dc9205abd374e7e98f3cd9f3418edb4eafda5fb16473d216",
  ],
  publicKeys: [
    "a491d1b0ecd9bb917989f0e74f0dea0422eac4a873e5e2644f368dffb9a6e20fd6e10c1b77654d067c0618f6e5a7f79a",
    "b301803f8b5ac4a1133581fc676dfedc60d891dd5fa99028805e5ea5b08d3491af75d0707adab3b70c6a6a580217bf81",
    "b53d21a4cfd562c469cc81514d4ce5a6b577d8403d32a394dc265dd190b47fa9f829fdd7963afdf972e5e77854051f6f",
  ],
  messages: ["00".repeat(32), "56".repeat(32), "ab".repeat(32)],
  signatures: [
    [
      "b6ed936746e01f8ecf281f020953fbf1f01debd5657c4a383940b020b26507f6076334f91e2366c96e9ab279fb5158090352ea1c5b0c9274504f4f0e7053af24802e51e4568d164fe986834f41e55c8e850ce1f98458c0cfc9ab380b55285a55",
      "882730e5d03f6b42c3abc26d3372625034e1d871b65a8a6b900a56dae22da98abbe1b68f85e49fe7652a55ec3d0591c20767677e33e5cbb1207315c41a9ac03be39c2e7668edc043d6cb1d9fd93033caa8a1c5b0e84bedaeb6c64972503a43eb",
      "91347bccf740d859038fcdcaf233eeceb2a436bcaaee9b2aa3bfb70efe29dfb2677562ccbea1c8e061fb9971b0753c240622fab78489ce96768259fc01360346da5b9f579e5da0d941e4c6ba18a0e64906082375394f337fa1af2b7127b0d121",
    ],
    [
      "b23c46be3a001c63ca711f87a005c200cc550b9429d5f4eb38d74322144f1b63926da3388979e5321012fb1a0526bcd100b5ef5fe72628ce4cd5e904aeaa3279527843fae5ca9ca675f4f51ed8f83bbf7155da9ecc9663100a885d5dc6df96d9",
      "af1390c3c47acdb37131a51216da683c509fce0e954328a59f93aebda7e4ff974ba208d9a4a2a2389f892a9d418d618418dd7f7a6bc7aa0da999a9d3a5b815bc085e14fd001f6a1948768a3f4afefc8b8240dda329f984cb345c6363272ba4fe",
      "9674e2228034527f4c083206032b020310face156d4a4685e2fcaec2f6f3665aa635d90347b6ce124eb879266b1e801d185de36a0a289b85e9039662634f2eea1e02e670bc7ab849d006a70b2f93b84597558a05b879c8d445f387a5d5b653df",
    ],
    [
      "948a7cb99f76d616c2c564ce9bf4a519f1bea6b0a624a02276443c245854219fabb8d4ce061d255af5330b078d5380681751aa7053da2c98bae898edc218c75f07e24d8802a17cd1f6833b71e58f5eb5b94208b4d0bb3848cecb075ea21be115",
      "a4efa926610b8bd1c8330c918b7a5e9bf374e53435ef8b7ec186abf62e1b1f65aeaaeb365677ac1d1172a1f5b44b4e6d022c252c58486c0a759fbdc7de15a756acc4d343064035667a594b4c2a6f0b0b421975977f297dba63ee2f63ffe47bb6",
      "ae82747ddeefe4fd64cf9cedb9b04ae3e8a43420cd255e3c7cd06a8d88b7c7f8638543719981c5d16fa3527c468c25f0026704a6951bde891360c7e8d12ddee0559004ccdbe6046b55bae1b257ee97f7cdb955773d7cf29adf3ccbb9975e4eb9",
    ],
  ],
} as const;

/** `aggregate` of the same: the sum of the three keys' signatures on message m. */
export const AGGREGATES = [
  "9683b3e6701f9a4b706709577963110043af78a5b41991b998475a3d3fd62abf35ce03b33908418efc95a058494a8ae504354b9f626231f6b3f3c849dfdeaf5017c4780e2aee1850ceaf4b4d9ce70971a3d2cfcd97b7e5ecf6759f8da5f76d31",
  "ad38fc73846583b08d110d16ab1d026c6ea77ac2071e8ae832f56ac0cbcdeb9f5678ba5ce42bd8dce334cc47b5abcba40a58f7f1f80ab304193eb98836cc14d8183ec14cc77de0f80c4ffd49e168927a968b5cdaa4cf46b9805be84ad7efa77b",
  "9712c3edd73a209c742b8250759db12549b3eaf43b5ca61376d9f30e2747dbcf842d8b2ac0901d2a093713e20284a7670fcf6954e9ab93de991bb9b313e664785a075fc285806fa5224c82bde146561b446ccfc706a64b8579513cfc4ff1d930",
] as const;

const [P, ZERO] = [
  "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab",
  "00".repeat(48),
];

/** `deserialization_G1` of the same. Infinity, which it accepts, is no key here (draft-irtf-cfrg-bls-signature-05, section 2.5). */
export const NOT_IN_G1: readonly (readonly [string, string])[] = [
  ["infinity without its flag", `80${ZERO.slice(2)}`],
  ["infinity with x", `c01${"0".repeat(93)}`],
  ["outside the subgroup", `8${"123456789abcdef0".repeat(6).slice(0, 95)}`],
  ["off the curve", `8${"123456789abcdef0".repeat(6).slice(0, 94)}0`],
  ["too few bytes", `9${P.slice(1, -2)}`],
  ["too many bytes", `9${P.slice(1, -2)}a900`],
  ["infinity with a sign", `e0${ZERO.slice(2)}`],
  ["infinity's flag on a point", `c${"123456789abcdef0".repeat(6).slice(0, 95)}`],
  ["no flag of compression", `0${"123456789abcdef0".repeat(6).slice(0, 95)}`],
  ["x = p", `9${P.slice(1)}`],
  ["x = p + 1", `9${P.slice(1, -1)}c`],
  ["infinity", `c0${ZERO.slice(2)}`],
];

/** `deserialization_G2` of the same. */
export const NOT_IN_G2: readonly (readonly [string, string])[] = [
  ["infinity without its flag", `80${ZERO.slice(2)}${ZERO}`],
  ["infinity with x", `c01${"0".repeat(189)}`],
  ["outside the subgroup", `8${"123456789abcdef0".repeat(12).slice(0, 191)}`],
  ["off the curve", `8${"123456789abcdef0".repeat(12).slice(0, 190)}0`],
  ["too few bytes", `8${"123456789abcdef0".repeat(12).slice(0, 189)}`],
  ["too many bytes", `8${"123456789abcdef0".repeat(12).slice(0, 191)}ff`],
  ["infinity with a sign", `e0${ZERO.slice(2)}${ZERO}`],
  ["infinity's flag on a point", `c${"123456789abcdef0".repeat(12).slice(0, 191)}`],
  ["no flag of compression", `0${"123456789abcdef0".repeat(12).slice(0, 191)}`],
  ["imaginary part of x = p", `9${P.slice(1)}${ZERO}`],
  ["imaginary part of x = p + 1", `9${P.slice(1, -1)}c${ZERO}`],
  ["real part of x = p", `80${ZERO.slice(2)}${P}`],
  ["real part of x = p + 1", `80${ZERO.slice(2)}${P.slice(0, -1)}c`],
  ["infinity", `c0${ZERO.slice(2)}${ZERO}`],
];

/** RFC 9380, appendix J.10.1, BLS12381G2_XMD:SHA-256_SSWU_RO_: message, P.x and P.y as c0, c1. */
export const HASH_TO_G2 = {
  dst: "QUUX-V01-CS02-with-BLS12381G2_XMD:SHA-256_SSWU_RO_",
  cases: [
    [
      "",
      "0141ebfbdca40eb85b87142e130ab689c673cf60f1a3e98d69335266f30d9b8d4ac44c1038e9dcdd5393faf5c41fb78a",
      "05cb8437535e20ecffaef7752baddf98034139c38452458baeefab379ba13dff5bf5dd71b72418717047f5b0f37da03d",
      "0503921d7f6a12805e72940b963c0cf3471c7b2a524950ca195d11062ee75ec076daf2d4bc358c4b190c0c98064fdd92",
      "12424ac32561493f3fe3c260708a12b7c620e7be00099a974e259ddc7d1f6395c3c811cdd19f1e8dbf3e9ecfdcbab8d6",
    ],
    [
      "abc",
      "02c2d18e033b960562aae3cab37a27ce00d80ccd5ba4b7fe0e7a210245129dbec7780ccc7954725f4168aff2787776e6",
      "139cddbccdc5e91b9623efd38c49f81a6f83f175e80b06fc374de9eb4b41dfe4ca3a230ed250fbe3a2acf73a41177fd8",
      "1787327b68159716a37440985269cf584bcb1e621d3a7202be6ea05c4cfe244aeb197642555a0645fb87bf7466b2ba48",
      "00aa65dae3c8d732d10ecd2c50f8a1baf3001578f71c694e03866e9f3d49ac1e1ce70dd94a733534f106d4cec0eddd16",
    ],
    [
      "abcdef0123456789",
      "121982811d2491fde9ba7ed31ef9ca474f0e1501297f68c298e9f4c0028add35aea8bb83d53c08cfc007c1e005723cd0",
      "190d119345b94fbd15497bcba94ecf7db2cbfd1e1fe7da034d26cbba169fb3968288b3fafb265f9ebd380512a71c3f2c",
      "05571a0f8d3c08d094576981f4a3b8eda0a8e771fcdcc8ecceaf1356a6acf17574518acb506e435b639353c2e14827c8",
      "0bb5e7572275c567462d91807de765611490205a941a5a6af3b1691bfe596c31225d3aabdf15faff860cb4ef17c7c3be",
    ],
    [
      `a512_${"a".repeat(512)}`,
      "01a6ba2f9a11fa5598b2d8ace0fbe0a0eacb65deceb476fbbcb64fd24557c2f4b18ecfc5663e54ae16a84f5ab7f62534",
      "11fca2ff525572795a801eed17eb12785887c7b63fb77a42be46ce4a34131d71f7a73e95fee3f812aea3de78b4d01569",
      "0b6798718c8aed24bc19cb27f866f1c9effcdbf92397ad6448b5c9db90d2b9da6cbabf48adc1adf59a1a28344e79d57e",
      "03a47f8e6d1763ba0cad63d6114c0accbef65707825a511b251a660a9b3994249ae4e63fac38b23da0c398689ee2ab52",
    ],
  ],
} as const;
