// The words of the Omen rule language (docs/language.md). Input is bytes: what is not ASCII stands in texts, comments
// and backticks only.
//
// Also spelt here: what people bring along from other languages (`&&`, `<>`, 'text', // comments …). The parser takes
// it where it makes sense and compiler/parse says how it is written here.
lexer grammar OmenLexer;

// Declarations.
IMPORT: 'import'; EVENT: 'event'; DESTINATION: 'destination'; LET: 'let'; PATTERN: 'pattern'; TABLE: 'table';
RULE: 'rule'; TEST: 'test'; MAPPING: 'mapping'; KEY: 'key'; LENIENT: 'lenient'; FROM: 'from'; MAX_LENGTH: 'max_length';

// Clauses of a rule.
SEVERITY: 'severity'; BY: 'by'; MATCH: 'match'; WITHIN: 'within'; UNLESS: 'unless'; WHERE: 'where';
OVERLAP: 'overlap'; COOLDOWN: 'cooldown'; LIMIT: 'limit'; PER: 'per'; QUIET: 'quiet'; MEASURE: 'measure';
OVER: 'over'; AGO: 'ago'; EVERY: 'every'; AT: 'at'; WHEN: 'when'; ON: 'on'; RESOLVE: 'resolve'; ALERT: 'alert';
SEND: 'send'; EMIT: 'emit'; TO: 'to';

// Patterns and expressions.
AS: 'as'; AND: 'and'; OR: 'or'; NOT: 'not'; FOR: 'for'; CONSECUTIVE: 'consecutive'; IN: 'in'; CONTAINS: 'contains';
STARTS_WITH: 'starts_with'; ENDS_WITH: 'ends_with'; MATCHES: 'matches'; LIKE: 'like'; TRUE: 'true'; FALSE: 'false';
IS: 'is'; NULL_: 'null';

// Tests.
CLOCK: 'clock'; EXPECT: 'expect'; NO: 'no'; NOTHING: 'nothing';

UNIT: Unit;
IDENT: [A-Za-z_] [A-Za-z0-9_]*;
QUOTED_NAME: '`' ~[`\r\n]+ '`';

NUMBER: Digits ('.' Digits)? ([eE] [+-]? Digits)?;
DURATION: (Digits ('.' Digits)? Unit)+;
TIME_OF_DAY: Digit Digit? ':' Digit Digit;
BAD_NUMBER: Digit [A-Za-z0-9_]* ('.' Digit [A-Za-z0-9_]*)* | '.' Digits;

TEXT: '"' TextPart* '"';
UNTERMINATED_TEXT: '"' TextPart* '\\'?;
WRONG_TEXT: '\'' (~['\r\n\\] | '\\' ~[\r\n])* '\'';

ARROW: '->'; NEXT: '=>'; EQUAL: '=='; NOT_EQUAL: '!='; LESS_EQUAL: '<='; GREATER_EQUAL: '>='; LESS: '<'; GREATER: '>';
ASSIGN: '='; TILDE: '~'; PLUS: '+'; MINUS: '-'; STAR: '*'; SLASH: '/'; PERCENT: '%'; QUESTION: '?';
RANGE: '..'; DOT: '.'; COMMA: ','; COLON: ':';
OPEN_ROUND: '('; CLOSE_ROUND: ')'; OPEN_SQUARE: '['; CLOSE_SQUARE: ']'; OPEN_BRACE: '{'; CLOSE_BRACE: '}';

// From elsewhere.
WRONG_AND: '&&' | '&'; WRONG_OR: '||' | '|'; WRONG_NOT: '!'; WRONG_NOT_EQUAL: '<>' | '!=='; WRONG_EQUAL: '===';
WRONG_COMMENT: '//' ~[\r\n]* | '/*' .*? '*/';
SEMICOLON: ';';

COMMENT: '#' ~[\r\n]* -> channel(HIDDEN);
SPACE: [ \t\r\n]+ -> skip;
FOREIGN: [\u0080-\u00FF]+;
BAD_CHARACTER: .;

fragment Digit: [0-9];
fragment Digits: [0-9]+;
fragment TextPart: ~["\r\n\\] | '\\' ~[\r\n];
fragment Unit: 'us' | 'ms' | 's' | 'sec' | 'secs' | 'm' | 'min' | 'mins' | 'h' | 'hour' | 'hours' | 'd' | 'day'
  | 'days' | 'w' | 'week' | 'weeks';

// Entered after a `/` where an operand is expected: what follows is a regular expression.
mode REGULAR_EXPRESSION;
REGEX: (~[/\r\n\\] | '\\' ~[\r\n])* '/' -> popMode;
UNTERMINATED_REGEX: (~[/\r\n\\] | '\\' ~[\r\n])+ '\\'? -> popMode;
REGEX_BREAK: [\r\n] -> popMode;
