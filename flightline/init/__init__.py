"""`flightline init`: a config and a schema from a table alone. Arrow and numpy; no TensorFlow.

reading       files into columns: distinct values and, for each row, which of them
header        what a header gives away of a file that is no table yet
unreadable    the lines that are no rows, and when they are too many
task          what the label asks for: binary, and why
dates         dates and times, whatever they are written like
spelling      numbers that are read as text, and why
roles         what a column is for: a number, a category, or left out with the evidence
association   how well one column alone tells the label
profile       all of it about one table
comparators   how far a column may move, by how far chance moves it
thresholds    what a model has to beat
config_text   configs/N.yaml     schema_text   schema/N.pbtxt     both with comments that teach
screen        the table on the terminal     doubts   what it warns of
"""
