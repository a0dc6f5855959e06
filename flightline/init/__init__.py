"""`flightline init`: propose a config and a schema for a table. Uses Arrow and numpy, no TensorFlow.

input_location     the folder and the glob of the files, the pipeline's name
table_reader       files into columns: distinct values, and which of them each row has
header_checks      wrong separators and columns without a name
unreadable_lines   lines that cannot be parsed, and when they are too many
target             the task of the label, and the evidence for it
dates              columns of dates and times
text_numbers       columns of numbers that are read as text
association        how well a single column predicts the label
column_roles       the use of a column: number, category, or excluded with the evidence
profile            everything that is known about a table
domains            allowed values, for the schema
drift_comparators  drift thresholds, from how much chance changes a column
thresholds         evaluation thresholds, from what a useless model reaches
model_section      the config's model and training settings
config_text        configs/NAME.yaml, with comments
schema_text        schema/NAME.pbtxt, with comments
data_warnings      what to check before trusting the proposal
screen             the summary on the terminal
"""
