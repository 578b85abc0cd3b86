/**
 * The lengths of the Huffman codes of RFC 7541, appendix B, by byte, each as a digit of base 36. Codes are canonical: they
 * follow from the lengths.
 */
const DIGITS = "dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6ca" +
  "d67777777777777777777777878djde6f56565666577666567655677777fbeds" +
  "kmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmlnmnnkmmmnmmn" +
  "qqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrq";

export const CODE_LENGTHS: readonly number[] = [...DIGITS].map((digit) => parseInt(digit, 36));
