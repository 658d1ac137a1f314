// The sentences of the Omen rule language (docs/language.md).
//
// Wider than the language: clauses and the parts behind a step come in any order, operators of other languages are
// taken. compiler/parse judges what it was given, so that a mistake has a sentence of its own and the rest of the file
// is still read. Nearly all of it is decided by one token; keywords are names wherever no keyword can stand. What could
// be split in several ways (a field without its colon) is not in the grammar but in compiler/parse_recovery: the number
// of ways grows with the length.
parser grammar OmenParser;

options { tokenVocab = OmenLexer; }

file: declaration* EOF;

declaration
  : importDeclaration | eventDeclaration | destinationDeclaration | letDeclaration | patternDeclaration
  | tableDeclaration | ruleDeclaration | testDeclaration | mappingDeclaration
  ;

importDeclaration: IMPORT text;
letDeclaration: LET name ASSIGN expression;
patternDeclaration: PATTERN name ASSIGN element;
destinationDeclaration: DESTINATION name ASSIGN name settings?;
tableDeclaration: TABLE name ASSIGN name settings? (KEY name)?;
settings: OPEN_BRACE (setting (COMMA? setting)* COMMA?)? CLOSE_BRACE;
setting: QUIET COLON? quietHours | name COLON expression;

// Mappings.
mappingDeclaration: MAPPING name OPEN_BRACE (mapped (COMMA? mapped)* COMMA?)? CLOSE_BRACE;
mapped: (STAR | name | text) COLON expression (WHEN expression)?;

// Schemas.
eventDeclaration: EVENT name LENIENT? OPEN_BRACE field* CLOSE_BRACE;
field: (name | text) QUESTION? COLON name constraint* COMMA?;
constraint
  : IN OPEN_SQUARE (expression (COMMA expression)* COMMA?)? CLOSE_SQUARE
  | MATCHES (regex | text)
  | signedNumber RANGE signedNumber
  | MAX_LENGTH NUMBER
  | FROM path
  ;
signedNumber: MINUS? (NUMBER | BAD_NUMBER);

// Rules.
ruleDeclaration: RULE name? text? OPEN_BRACE clause* CLOSE_BRACE;
clause
  : severityClause | byClause | matchClause | withinClause | unlessClause | whereClause | overlapClause
  | cooldownClause | limitClause | quietClause | measureClause | everyClause | whenClause | action
  ;
severityClause: SEVERITY name;
byClause: key;
matchClause: MATCH pattern;
withinClause: WITHIN duration;
unlessClause: UNLESS element ((COMMA | orWord) element)*;
whereClause: WHERE expression;
overlapClause: OVERLAP name;
cooldownClause: COOLDOWN duration;
limitClause: LIMIT NUMBER PER duration;
quietClause: QUIET quietHours;
quietHours: TIME_OF_DAY RANGE TIME_OF_DAY text?;
measureClause: MEASURE name ASSIGN name OPEN_ROUND element (COMMA expression)? CLOSE_ROUND OVER duration
  (AGO duration)?;
everyClause: EVERY duration (AT TIME_OF_DAY text?)?;
whenClause: WHEN expression (FOR duration)?;
action: (ON RESOLVE)* (alertAction | sendAction | emitAction);
alertAction: ALERT text (TO name (COMMA name)*)?;
sendAction: SEND name object?;
emitAction: EMIT name object?;

// Patterns.
pattern: patternOr (arrow patternOr)*;
arrow
  : ARROW | NEXT
  | MINUS OPEN_SQUARE duration (RANGE duration)? CLOSE_SQUARE ARROW
  | ASSIGN OPEN_SQUARE duration (RANGE duration)? CLOSE_SQUARE NEXT
  ;
patternOr: patternAnd (orWord patternAnd)*;
patternAnd: patternNot (andWord patternNot)*;
patternNot: notWord* element (FOR duration)?;
element: (STAR | stepName | group) condition* key? suffix*;
group: OPEN_ROUND pattern (WITHIN duration)? CLOSE_ROUND;
key: BY paths;
suffix: repetition | CONSECUTIVE | AS name;
condition: OPEN_SQUARE expression (COMMA expression)* CLOSE_SQUARE;
repetition: OPEN_BRACE NUMBER? COMMA? NUMBER? CLOSE_BRACE | PLUS | STAR | QUESTION;

// Tests.
testDeclaration: TEST text (FOR name (COMMA name)*)? OPEN_BRACE testLine* CLOSE_BRACE;
testLine
  : AT duration name object?
  | CLOCK duration
  | EXPECT NOTHING
  | EXPECT NO name
  | EXPECT name (AT duration)? object?
  ;

// Expressions, weakest operator first.
expression: andExpression (orWord andExpression)*;
andExpression: notExpression (andWord notExpression)*;
notExpression: notWord* comparison;
comparison: sum comparisonTail*;
comparisonTail: comparisonOperator TILDE? sum | IS NOT? NULL_;
comparisonOperator
  : EQUAL | NOT_EQUAL | LESS | LESS_EQUAL | GREATER | GREATER_EQUAL | IN | NOT IN | CONTAINS | STARTS_WITH
  | ENDS_WITH | MATCHES | LIKE | ASSIGN | WRONG_EQUAL | WRONG_NOT_EQUAL
  ;
sum: product ((PLUS | MINUS) product)*;
product: negation ((STAR | SLASH | PERCENT) negation)*;
negation: MINUS* reference;
reference: primary (DOT name | OPEN_SQUARE expression CLOSE_SQUARE)*;
primary
  : NUMBER UNIT? | DURATION | BAD_NUMBER | text | TRUE | FALSE | regex
  | valueName callArguments?
  | OPEN_ROUND expression CLOSE_ROUND
  | OPEN_SQUARE (expression (COMMA expression)* COMMA?)? CLOSE_SQUARE
  | object
  ;
callArguments: OPEN_ROUND (expression (COMMA expression)*)? CLOSE_ROUND;
object: OPEN_BRACE (member (COMMA? member)* COMMA?)? CLOSE_BRACE;
member: (name | text) COLON expression;
templateExpression: expression EOF;

orWord: OR | WRONG_OR;
andWord: AND | WRONG_AND;
notWord: NOT | WRONG_NOT;
paths: path (COMMA path)*;
path: name (DOT name | OPEN_SQUARE NUMBER CLOSE_SQUARE)*;
duration: DURATION | NUMBER UNIT? | BAD_NUMBER;
text: TEXT | UNTERMINATED_TEXT | WRONG_TEXT;
regex: REGEX | UNTERMINATED_REGEX;

// Names. Before a step `not` is the word, before an operand also `true` and `false` are.
name: stepName | NOT;
stepName: valueName | TRUE | FALSE;
valueName
  : IDENT | QUOTED_NAME | UNIT
  | IMPORT | EVENT | DESTINATION | LET | PATTERN | TABLE | RULE | TEST | MAPPING | KEY | LENIENT | FROM | MAX_LENGTH
  | SEVERITY | BY | MATCH | WITHIN | UNLESS | WHERE | OVERLAP | COOLDOWN | LIMIT | PER | QUIET | MEASURE | OVER | AGO
  | EVERY | AT | WHEN | ON | RESOLVE | ALERT | SEND | EMIT | TO
  | AS | AND | OR | FOR | CONSECUTIVE | IN | CONTAINS | STARTS_WITH | ENDS_WITH | MATCHES | LIKE | IS | NULL_
  | CLOCK | EXPECT | NO | NOTHING
  ;
